// What is different on the paths of Anthropic's API, beside its bodies: names of headers and the
// form of errors.

using Microsoft.AspNetCore.Http;

namespace NanoFlow.Server.Protocol;

internal static class AnthropicApi
{
    /// <summary>Counts beside the usual bearer token.</summary>
    public const string KeyHeader = "x-api-key";

    /// <summary>Sent beside x-request-id.</summary>
    public const string RequestIdHeader = "request-id";

    public const string Messages = "/v1/messages";
    public const string CountTokens = Messages + "/count_tokens";

    /// <summary>The path is one of that API's, whether it exists or not.</summary>
    public static bool Has(PathString path) => path.StartsWithSegments(Messages);
}
