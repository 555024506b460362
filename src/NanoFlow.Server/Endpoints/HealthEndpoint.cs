// GET /health: does the engine still beat? GET /health/ready: should new requests be sent here?

using Microsoft.AspNetCore.Http;
using NanoFlow.Engine;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Endpoints;

internal sealed class HealthEndpoint(ServerState server)
{
    public Task LiveAsync(HttpContext context) => AnswerAsync(context, EngineProblem());

    public Task ReadyAsync(HttpContext context) => AnswerAsync(
        context, server.Lifecycle.Draining ? "the server is shutting down" : EngineProblem());

    private string? EngineProblem() => server.Engine.Health switch
    {
        EngineHealth.Healthy => null,
        EngineHealth.Stalled => "the engine's current step takes too long",
        _ => "the engine has failed; the server must be restarted",
    };

    private static Task AnswerAsync(HttpContext context, string? problem) => problem is null
        ? JsonResponse.WriteAsync(
            context, StatusCodes.Status200OK, json => json.WriteString("status"u8, "ok"u8))
        : throw new RequestRefusedException(ApiError.Unavailable(problem));
}
