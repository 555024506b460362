// One line for each finished request.

using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Access;

internal sealed partial class AccessLog(ILoggerFactory logs)
{
    // nginx's number for "client closed the request"; never sent.
    private const int ClientGone = 499;

    // Asked for every few seconds by machines; a line each would bury the rest.
    private static readonly string[] Quiet = ["/health", "/health/ready", "/metrics"];

    private readonly ILogger _log = logs.CreateLogger("nanoflow");

    public void Write(HttpContext context, RequestRecord record, TimeSpan elapsed)
    {
        if (!_log.IsEnabled(LogLevel.Information) || Quiet.Contains(context.Request.Path.Value))
        {
            return;
        }

        var broken = record.IsConnectionBroken || context.RequestAborted.IsCancellationRequested;
        var gone = broken && record.Error is null;
        var request = new RequestLine(
            Quote.Cut(context.Request.Method),
            Quote.Cut(context.Request.Path),
            gone ? ClientGone : context.Response.StatusCode,
            context.TraceIdentifier,
            elapsed.TotalMilliseconds);
        var endedBy = gone ? "client" : "server";
        if (record is { Run: { } run, Times: { } times })
        {
            var usage = run.Usage;
            var perToken = times.PerOutputToken(usage.CompletionTokens, run.Choices.Count);
            TextDone(
                request,
                string.Join('+', run.Choices.Select(choice => choice.Outcome).Distinct()),
                usage.PromptTokens,
                usage.CompletionTokens,
                run.QueueTime?.TotalMilliseconds,
                times.ToFirstToken?.TotalMilliseconds,
                perToken?.TotalMilliseconds,
                endedBy);
        }
        else
        {
            Done(request, record.Error ?? "-", endedBy);
        }
    }

    [LoggerMessage(1, LogLevel.Error, "request {Id} failed")]
    public partial void Failed(Exception exception, string id);

    [LoggerMessage(2, LogLevel.Information, "{Request} error={Error} ended_by={EndedBy}")]
    private partial void Done(RequestLine request, string error, string endedBy);

    [LoggerMessage(
        3,
        LogLevel.Information,
        "{Request} finish={Finish} prompt_tokens={Prompt} completion_tokens={Completion} "
        + "queue_ms={Queue:F1} ttft_ms={Ttft:F1} tpot_ms={Tpot:F2} ended_by={EndedBy}")]
    private partial void TextDone(
        RequestLine request,
        string finish,
        int prompt,
        int completion,
        double? queue,
        double? ttft,
        double? tpot,
        string endedBy);

    private readonly record struct RequestLine(
        string Method, string Path, int Status, string Id, double Ms)
    {
        public override string ToString() => FormattableString.Invariant(
            $"{Method} {Path} {Status} id={Id} ms={Ms:F1}");
    }
}
