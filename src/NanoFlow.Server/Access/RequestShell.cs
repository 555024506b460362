// The outermost layer of every request: gives it an id, turns refusals and failures into error
// bodies, answers paths and methods that nothing else answers, and writes the log line.

using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Access;

internal sealed class RequestShell(AccessLog log, TimeProvider time)
{
    public const string IdHeader = "x-request-id";

    public async Task RunAsync(HttpContext context, RequestDelegate next)
    {
        var start = time.GetTimestamp();
        var record = new RequestRecord();
        context.Features.Set(record);
        context.TraceIdentifier = RequestId(context.Request.Headers[IdHeader]);
        context.Response.Headers[IdHeader] = context.TraceIdentifier;
        if (AnthropicApi.Has(context.Request.Path))
        {
            context.Response.Headers[AnthropicApi.RequestIdHeader] = context.TraceIdentifier;
        }

        try
        {
            await AnswerAsync(context, next, record);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client went away: there is nobody to answer, and nothing left to read.
            context.Abort();
        }
        catch (IOException)
        {
            // The same, seen by a read or a write before Kestrel has told: no other input or output
            // happens while a request is answered.
            record.IsConnectionBroken = true;
            context.Abort();
        }
        finally
        {
            log.Write(context, record, time.GetElapsedTime(start));
        }
    }

    // A failure after the headers goes on to Kestrel, which sends what was written and then closes
    // the connection in the middle of the answer: half an answer must not look like a whole one.
    private async Task AnswerAsync(HttpContext context, RequestDelegate next, RequestRecord record)
    {
        ApiError? error;
        try
        {
            await next(context);
            error = Unanswered(context);
        }
        catch (RequestRefusedException e)
        {
            record.Error = e.Error.Code ?? e.Error.Type;
            if (context.Response.HasStarted)
            {
                throw;
            }

            error = e.Error;
        }
        catch (Exception e)
            when (e is not IOException
                && !context.Response.HasStarted
                && !context.RequestAborted.IsCancellationRequested)
        {
            log.Failed(e, context.TraceIdentifier);
            error = ApiError.Internal();
        }

        if (error is not null)
        {
            record.Error = error.Code ?? error.Type;
            await JsonResponse.WriteErrorAsync(context, error);
        }
    }

    private static ApiError? Unanswered(HttpContext context)
    {
        if (context.Response.HasStarted)
        {
            return null;
        }

        return context.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => ApiError.NoSuchPath(context.Request.Path),
            StatusCodes.Status405MethodNotAllowed => ApiError.WrongMethod(
                context.Request.Method, context.Request.Path),
            _ => null,
        };
    }

    private static string RequestId(string? given) =>
        given is { Length: > 0 and <= ServerLimits.MaxRequestIdChars } && given.All(IsIdChar)
            ? given
            : "req-" + Guid.NewGuid().ToString("N");

    private static bool IsIdChar(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';
}
