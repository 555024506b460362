// Answers a request for text: its body, parsed as its endpoint says, then admission, then a stream
// of events or one document.

using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Access;
using NanoFlow.Server.Endpoints;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Generating;

internal static class TextEndpoint
{
    public static async Task RunAsync(
        HttpContext context,
        ServerState server,
        Func<RequestFields, CancellationToken, Task<TextRequest>> parse)
    {
        using var body = await JsonBody.ReadAsync(context);
        var fields = new RequestFields(body.RootElement);
        var request = await parse(fields, context.RequestAborted);
        IgnoredParams.Report(context, fields, server.Options);
        if (!server.Lifecycle.TryEnter())
        {
            throw new RequestRefusedException(
                ApiError.Unavailable("the server is shutting down"));
        }

        try
        {
            await AnswerAsync(context, server, request);
        }
        finally
        {
            server.Lifecycle.Leave();
        }
    }

    private static async Task AnswerAsync(
        HttpContext context, ServerState server, TextRequest request)
    {
        var time = server.Options.Time;
        var times = new RequestTimes(time, server.Metrics);
        using var run = TextRun.Start(request, server.Model, server.Engine, times);
        var record = RequestRecord.Of(context);
        record.Run = run;
        record.Times = times;

        // Also while this code waits for something else than a token, such as a slow socket.
        using var gone = context.RequestAborted.UnsafeRegister(
            static state => ((TextRun)state!).Cancel(), run);
        var head = ResponseHead.New(request.Format.IdPrefix, request.ModelName, time);
        var answer = new Answer(head, run);
        try
        {
            if (request.Settings.Stream.Enabled)
            {
                await StreamedText.WriteAsync(context, server.Options, answer);
            }
            else
            {
                await WholeText.WriteAsync(context, answer);
            }
        }
        finally
        {
            server.Metrics.OnFinished(run, times);
        }
    }
}
