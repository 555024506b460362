// Fields that were accepted and mean nothing here are listed in a header, so that a user who
// wonders why a setting has no effect can find out.

using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Endpoints;

internal static class IgnoredParams
{
    private const string Header = "x-ignored-params";

    public static void Report(HttpContext context, RequestFields fields)
    {
        var names = fields.Ignored().Take(ServerLimits.MaxIgnoredNames).Select(Plain).ToArray();
        if (names.Length > 0)
        {
            context.Response.Headers[Header] = string.Join(", ", names);
        }
    }

    // A header takes no other characters, and a name has no business with them.
    private static string Plain(string name) => string.Concat(Quote.Cut(name).Select(
        c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' ? c : '?'));
}
