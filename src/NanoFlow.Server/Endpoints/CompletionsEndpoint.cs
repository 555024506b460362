// POST /v1/completions: text that goes on from each prompt.

using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Endpoints;

internal sealed class CompletionsEndpoint(ServerState server)
{
    // OpenAI's default; the legacy API has no "as long as it takes".
    private const int DefaultMaxTokens = 16;

    private static readonly CompletionFormat Format = new();

    public Task RunAsync(HttpContext context) =>
        TextEndpoint.RunAsync(context, server, ParseAsync);

    private async Task<TextRequest> ParseAsync(RequestFields fields, CancellationToken cancel)
    {
        var model = server.Model;
        var name = model.Resolve(fields.Text("model"));
        var settings = GenerationSettings.Parse(fields, model);
        var prompts = PromptField.Parse(fields, model.VocabSize);
        if (prompts.Count * settings.N > ServerLimits.MaxChoices)
        {
            throw RequestRefusedException.Invalid(
                $"{prompts.Count} prompts times n = {settings.N} is more than "
                + $"{ServerLimits.MaxChoices} choices",
                "n");
        }

        var asked = (int?)fields.Integer(FieldTable.MaxTokens);
        var logProbs = (int?)fields.Integer(FieldTable.LogProbs);
        var echo = fields.Bool("echo") ?? false;
        if (echo && logProbs is not null)
        {
            throw new RequestRefusedException(ApiError.NotSupported(
                "echo", "echo together with logprobs is not supported"));
        }

        var ready = new List<TokenPrompt>(prompts.Count);
        foreach (var prompt in prompts)
        {
            ready.Add(await ReadyAsync(prompt, asked, echo, cancel));
            ContextRoom.CheckMinTokens(settings.MinTokens, ready[^1].NewTokens);
        }

        return new TextRequest
        {
            Format = Format,
            ModelName = name,
            Prompts = ready,
            Settings = settings,
            LogProbs = logProbs,
        };
    }

    private async Task<TokenPrompt> ReadyAsync(
        Prompt prompt, int? asked, bool echo, CancellationToken cancel)
    {
        var model = server.Model;
        var tokens = prompt.Tokens
            ?? await model.EncodeAsync(prompt.Text!, addSpecialTokens: true, cancel);
        var room = new ContextRoom(model.MaxModelLength, "prompt");
        return new TokenPrompt(
            tokens,
            room.NewTokens(tokens.Length, asked, DefaultMaxTokens),
            echo ? prompt.Text ?? model.Tokenizer.Decode(tokens) : null);
    }
}
