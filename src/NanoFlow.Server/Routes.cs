// The table of routes: what the server answers, and which of it needs no key.

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using NanoFlow.Server.Access;
using NanoFlow.Server.Endpoints;
using NanoFlow.Server.Metrics;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server;

internal static class Routes
{
    private static readonly string[] Get = [HttpMethods.Get];
    private static readonly string[] Post = [HttpMethods.Post];

    public static void Map(
        IEndpointRouteBuilder app, ServerState server, PrometheusExporter exporter)
    {
        var models = new ModelsEndpoint(server.Model);
        var messages = new MessagesEndpoint(server);
        var tokens = new TokenizeEndpoint(server);
        var health = new HealthEndpoint(server);
        var metrics = new MetricsEndpoint(exporter);
        app.MapMethods(
            "/v1/completions", Post, new CompletionsEndpoint(server).RunAsync);
        app.MapMethods(
            "/v1/chat/completions", Post, new ChatCompletionsEndpoint(server).RunAsync);
        app.MapMethods("/v1/embeddings", Post, new EmbeddingsEndpoint(server).RunAsync);
        app.MapMethods("/v1/responses", Post, new ResponsesEndpoint(server).RunAsync);
        app.MapMethods(AnthropicApi.Messages, Post, messages.RunAsync);
        app.MapMethods(AnthropicApi.CountTokens, Post, messages.CountAsync);
        app.MapMethods("/v1/models", Get, models.ListAsync);
        app.MapMethods("/v1/models/{**id}", Get, models.OneAsync);
        app.MapMethods("/tokenize", Post, tokens.TokenizeAsync);
        app.MapMethods("/detokenize", Post, tokens.DetokenizeAsync);
        app.MapMethods("/version", Get, VersionEndpoint.RunAsync);
        app.MapMethods("/metrics", Get, metrics.RunAsync).DisableHttpMetrics();
        app.MapMethods("/health", Get, health.LiveAsync).WithMetadata(NoKeyNeeded.Instance);
        app.MapMethods("/health/ready", Get, health.ReadyAsync)
            .WithMetadata(NoKeyNeeded.Instance);
    }
}
