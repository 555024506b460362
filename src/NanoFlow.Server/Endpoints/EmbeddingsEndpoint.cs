// POST /v1/embeddings: one vector for each input, made of hidden states of the model.

using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Endpoints;

internal sealed class EmbeddingsEndpoint(ServerState server)
{
    // With what the tokenizer adds to a text, such as a begin token.
    private static readonly EncodeOptions Encoding = new() { AddSpecialTokens = true };

    public async Task RunAsync(HttpContext context)
    {
        using var body = await JsonBody.ReadAsync(context);
        var fields = new RequestFields(body.RootElement);
        var model = server.Model;
        var name = model.Resolve(fields.Text("model"));
        var settings = EmbeddingSettings.Parse(fields, server.Engine.Facts.HiddenSize);
        var truncation = Truncation.Parse(fields);
        var inputs = PromptField.Input.Parse(fields, model.VocabSize);
        IgnoredParams.Report(context, fields, server.Options);
        if (!server.Lifecycle.TryEnter())
        {
            throw new RequestRefusedException(
                ApiError.Unavailable("the server is shutting down"));
        }

        try
        {
            await AnswerAsync(context, name, settings, truncation, inputs);
        }
        finally
        {
            server.Lifecycle.Leave();
        }
    }

    private async Task AnswerAsync(
        HttpContext context,
        string name,
        EmbeddingSettings settings,
        Truncation truncation,
        IReadOnlyList<Prompt> inputs)
    {
        var gone = context.RequestAborted;
        var times = new RequestTimes(server.Options.Time, server.Metrics);
        using var run = new EmbeddingRun(
            server.Engine, server.Model.Pooling, settings.Size, gone);
        var promptTokens = 0;
        foreach (var input in inputs)
        {
            var tokens = await TokensAsync(input, truncation, gone);
            await run.AddAsync(tokens);
            promptTokens += tokens.Length;
        }

        await run.FinishAsync();
        server.Metrics.OnEmbedded(promptTokens, inputs.Count, times);
        await JsonResponse.WriteAsync(
            context,
            StatusCodes.Status200OK,
            json => Write(json, name, run.Embeddings, settings.IsBase64, promptTokens));
    }

    private async Task<int[]> TokensAsync(
        Prompt input, Truncation truncation, CancellationToken gone)
    {
        var limit = server.Model.MaxModelLength;
        var all = input.Tokens ?? await server.Model.EncodeAsync(input.Text!, Encoding, gone);
        var tokens = truncation.Apply(all, limit);
        return tokens.Length == 0
            ? throw RequestRefusedException.Invalid("'input' has no tokens", "input")
            : tokens.Length > limit
                ? throw new RequestRefusedException(
                    ApiError.ContextLength(tokens.Length, 0, limit, "input"))
                : tokens;
    }

    private static void Write(
        Utf8JsonWriter json,
        string model,
        List<float[]> embeddings,
        bool isBase64,
        int promptTokens)
    {
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        for (var i = 0; i < embeddings.Count; i++)
        {
            json.WriteStartObject();
            json.WriteString("object"u8, "embedding"u8);
            json.WriteNumber("index"u8, i);
            json.WritePropertyName("embedding"u8);
            WriteVector(json, embeddings[i], isBase64);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("model"u8, model);
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, promptTokens);
        json.WriteNumber("total_tokens"u8, promptTokens);
        json.WriteEndObject();
    }

    private static void WriteVector(Utf8JsonWriter json, float[] vector, bool isBase64)
    {
        if (isBase64)
        {
            var bytes = new byte[vector.Length * sizeof(float)];
            for (var i = 0; i < vector.Length; i++)
            {
                BinaryPrimitives.WriteSingleLittleEndian(
                    bytes.AsSpan(i * sizeof(float)), vector[i]);
            }

            json.WriteBase64StringValue(bytes);
            return;
        }

        json.WriteStartArray();
        foreach (var value in vector)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }
}
