// What the access log will say about a request; filled while it is answered, written once.
// Prompts and answers never get here.

using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using NanoFlow.Server.Generating;

namespace NanoFlow.Server.Access;

internal sealed class RequestRecord
{
    /// <summary>Code of the error that was answered; null when there was none.</summary>
    public string? Error { get; set; }

    /// <summary>The connection broke while it was read or written.</summary>
    public bool IsConnectionBroken { get; set; }

    /// <summary>Set by requests for text.</summary>
    public TextRun? Run { get; set; }

    public RequestTimes? Times { get; set; }

    public static RequestRecord Of(HttpContext context) =>
        context.Features.GetRequiredFeature<RequestRecord>();
}
