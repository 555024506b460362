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
        var prompts = PromptField.Prompt.Parse(fields, model.VocabSize);
        CheckChoices(prompts.Count, settings.N);
        var cap = server.Options.Caps.MaxLogProbs;
        var logProbs = (int?)fields.Integer(FieldTable.LogProbs with { Max = cap });
        var truncation = Truncation.Parse(fields);
        var echo = fields.Flag(FieldTable.Echo);
        var scoring = PromptScoring.Parse(
            fields, settings, server.Options.Caps, echo ? logProbs : null);

        // Who asks about the prompt need not want an answer.
        var least = echo || scoring.Wanted is not null ? 0 : FieldTable.MaxTokens.Min;
        var asked = (int?)fields.Integer(FieldTable.MaxTokens with { Min = least });

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
            scoring.Check(fitted.Tokens.Length);
            var text = echo ? Echo(prompt, tokens, fitted) : null;
            ready.Add(scoring.Echoed is null
                ? fitted with { Echo = text }
                : fitted with { ScoredEcho = text });
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
            PromptLogProbs = scoring.Reported,
            ScoredWith = scoring.Wanted,
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
