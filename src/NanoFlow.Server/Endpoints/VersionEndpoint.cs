// GET /version.

using System.Reflection;
using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Endpoints;

internal static class VersionEndpoint
{
    private static readonly string Version =
        typeof(VersionEndpoint).Assembly
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? "unknown";

    public static Task RunAsync(HttpContext context) => JsonResponse.WriteAsync(
        context, StatusCodes.Status200OK, json => json.WriteString("version"u8, Version));
}
