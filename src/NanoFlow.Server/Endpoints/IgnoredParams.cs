// Fields that were accepted and mean nothing here are listed in a header, so that a user who
// wonders why a setting has no effect can find out. With --strict-params what is unknown is
// refused.

using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Endpoints;

internal static class IgnoredParams
{
    public const string Header = "x-ignored-params";

    /// <summary>To be called when every field has been asked for.</summary>
    public static void Report(HttpContext context, RequestFields fields, ServerOptions options)
    {
        if (options.StrictParams && Listed(fields.Unknown()) is { Length: > 0 } unknown)
        {
            throw RequestRefusedException.Invalid(
                $"unknown fields: {string.Join(", ", unknown)} (the server runs with "
                + "--strict-params)",
                unknown[0]);
        }

        if (Listed(fields.Ignored()) is { Length: > 0 } names)
        {
            context.Response.Headers[Header] = string.Join(", ", names);
        }
    }

    private static string[] Listed(IEnumerable<string> names) =>
        names.Take(ServerLimits.MaxIgnoredNames).Select(Plain).ToArray();

    // A header takes no other characters, and a name has no business with them.
    private static string Plain(string name) => string.Concat(Quote.Cut(name).Select(
        c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '[' or ']' ? c : '?'));
}
