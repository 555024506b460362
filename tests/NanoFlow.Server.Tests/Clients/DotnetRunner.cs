// The official .NET client. Requests are read into its own types, and answers are what those types
// show, so its strict readers see every answer.

using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json.Nodes;
using OpenAI;
using OpenAI.Embeddings;

namespace NanoFlow.Server.Tests.Clients;

internal sealed class DotnetRunner : IClientRunner
{
    private const int PatienceMs = 60_000;

    public string Name => "dotnet";

    public async Task<JsonObject> RunAsync(ClientCase item, string address)
    {
        var seen = new JsonObject();
        var client = new OpenAIClient(
            new ApiKeyCredential((string?)item.Client["key"] ?? "none"), Options(item, address));
        try
        {
            await RunAsync(item, client, seen);
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            seen["error"] = Error(e);
        }

        // Numbers of every kind become those of JSON.
        return JsonNode.Parse(seen.ToJsonString())!.AsObject();
    }

    private static Task RunAsync(ClientCase item, OpenAIClient client, JsonObject seen) =>
        item.Call switch
        {
            "chat" => DotnetChat.RunAsync(item, client, seen),
            "responses" => DotnetResponses.RunAsync(item, client, seen),
            "embeddings" => EmbeddingsAsync(item.Request, client, seen),
            "models" => ModelsAsync(client, seen),
            "model" => ModelAsync(client, (string)item.Request["model"]!, seen),
            _ => throw new ArgumentException($"no call '{item.Call}'"),
        };

    private static OpenAIClientOptions Options(ClientCase item, string address) => new()
    {
        Endpoint = new Uri(address + ((string?)item.Client["base"] ?? "/v1")),
        RetryPolicy = new ClientRetryPolicy((int?)item.Client["retries"] ?? 0),
        NetworkTimeout = TimeSpan.FromMilliseconds(
            (int?)item.Client["timeout_ms"] ?? PatienceMs),
    };

    private static async Task EmbeddingsAsync(
        JsonObject request, OpenAIClient client, JsonObject seen)
    {
        var answer = await client.GetEmbeddingClient((string)request["model"]!)
            .GenerateEmbeddingsAsync(
                request["input"]!.AsArray().Select(text => (string)text!),
                new EmbeddingGenerationOptions { Dimensions = (int?)request["dimensions"] });
        var first = answer.Value[0].ToFloats().ToArray();
        seen["count"] = answer.Value.Count;
        seen["dimensions"] = first.Length;
        seen["length"] = Math.Sqrt(first.Sum(x => (double)x * x));
        seen["usage"] = new JsonObject { ["prompt"] = answer.Value.Usage.InputTokenCount };
    }

    private static async Task ModelsAsync(OpenAIClient client, JsonObject seen)
    {
        var models = await client.GetOpenAIModelClient().GetModelsAsync();
        seen["models"] = new JsonArray([.. models.Value.Select(model => (JsonNode)model.Id)]);
    }

    private static async Task ModelAsync(OpenAIClient client, string name, JsonObject seen)
    {
        var model = await client.GetOpenAIModelClient().GetModelAsync(name);
        seen["models"] = new JsonArray(model.Value.Id);
    }

    // The client shows status and message; the rest is in the body and headers it keeps.
    private static JsonObject Error(Exception exception)
    {
        var error = new JsonObject
        {
            ["class"] = exception.GetType().Name,
            ["message"] = exception.Message,
        };
        if (exception is not ClientResultException { Status: > 0 } refused)
        {
            return error;
        }

        error["status"] = refused.Status;
        var response = refused.GetRawResponse()!;
        error["request_id"] = Header(response, "x-request-id");
        error["retry_after"] = Header(response, "Retry-After");
        var body = JsonNode.Parse(response.Content.ToString())!["error"]!;
        foreach (var name in (string[])["type", "param", "code"])
        {
            error[name] = body[name]?.DeepClone();
        }

        return error;
    }

    private static string? Header(PipelineResponse response, string name) =>
        response.Headers.TryGetValue(name, out var value) ? value : null;
}
