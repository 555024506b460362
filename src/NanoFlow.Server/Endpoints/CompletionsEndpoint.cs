// POST /v1/completions: text that goes on from each prompt.

using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;
using NanoFlow.Server.Tools;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Endpoints;

internal sealed class CompletionsEndpoint(ServerState server)
{
    private static readonly CompletionFormat Format = new();

    public Task RunAsync(HttpContext context) =>
        TextEndpoint.RunAsync(context, server, ParseAsync);

    private async Task<TextRequest> ParseAsync(RequestFields fields, CancellationToken cancel)
    {
        var model = server.Model;
        var name = model.Resolve(fields.Text("model"));
        var settings = GenerationSettings.Parse(fields, server);
        ToolFields.Refuse(fields);
        var format = ResponseFormatField.Parse(fields);
        var prompts = PromptField.Parse(fields, model.VocabSize);
        CheckChoices(prompts.Count, settings.N);
        var asked = (int?)fields.Integer(FieldTable.MaxTokens);
        var cap = server.Options.Caps.MaxLogProbs;
        var logProbs = (int?)fields.Integer(FieldTable.LogProbs with { Max = cap });
        var truncation = Truncation.Parse(fields);
        var echo = fields.Flag(FieldTable.Echo);
        if (echo && logProbs is not null)
        {
            throw new RequestRefusedException(ApiError.NotSupported(
                "echo", "echo together with logprobs is not supported"));
        }

        var encoding = new EncodeOptions
        {
            AddSpecialTokens = fields.Flag(FieldTable.AddSpecialTokens),
        };
        var room = new ContextRoom(model.MaxModelLength, "prompt");
        var ready = new List<TokenPrompt>(prompts.Count);
        foreach (var prompt in prompts)
        {
            var tokens = prompt.Tokens
                ?? await model.EncodeAsync(prompt.Text!, encoding, cancel);
            var fallback = (int)FieldTable.MaxTokens.Default;
            var fitted = room.Fit(tokens, truncation, asked, fallback, settings.MinTokens);
            ready.Add(echo ? fitted with { Echo = Echo(prompt, tokens, fitted) } : fitted);
        }

        return new TextRequest
        {
            Format = Format,
            ModelName = name,
            Prompts = ready,
            Settings = settings,
            LogProbs = logProbs,
            NewConstraint = await AnswerGrammar.CompileAsync(
                model, format, ResponseFormatField.Name, cancel),
        };
    }

    // Of a prompt that lost tokens only what is left: the answer does not follow on the rest.
    private string Echo(Prompt prompt, int[] tokens, TokenPrompt fitted) =>
        tokens.Length == fitted.Tokens.Length && prompt.Text is { } text
            ? text
            : server.Model.Tokenizer.Decode(fitted.Tokens);

    private static void CheckChoices(int prompts, int n)
    {
        if (prompts * n > ServerLimits.MaxChoices)
        {
            throw RequestRefusedException.Invalid(
                $"{prompts} prompts times n = {n} is more than {ServerLimits.MaxChoices} choices",
                "n");
        }
    }
}
