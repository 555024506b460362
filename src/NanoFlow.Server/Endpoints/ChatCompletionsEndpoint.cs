// POST /v1/chat/completions: the assistant's next turn of a conversation.

using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;
using NanoFlow.Server.Tools;

namespace NanoFlow.Server.Endpoints;

internal sealed class ChatCompletionsEndpoint(ServerState server)
{
    private static readonly ChatFormat Format = new();

    public Task RunAsync(HttpContext context) =>
        TextEndpoint.RunAsync(context, server, ParseAsync);

    private async Task<TextRequest> ParseAsync(RequestFields fields, CancellationToken cancel)
    {
        var name = server.Model.Resolve(fields.Text("model"));
        var settings = GenerationSettings.Parse(fields, server);
        var asked = MaxTokens(fields);
        var logProbs = LogProbs(fields);
        var scoring = PromptScoring.Parse(fields, settings, server.Options.Caps, echoed: null);
        var truncation = Truncation.Parse(fields);
        var addSpecialTokens = fields.Bool(FieldTable.AddSpecialTokens.Name) ?? false;
        var format = ResponseFormatField.Parse(fields);
        var conversation = Conversation.Parse(fields);
        var text = ChatText.Render(server, conversation);
        var tokens = await server.Model.EncodeAsync(
            text, ChatText.Encoding(server, addSpecialTokens), cancel);
        var grammar = AnswerGrammar.For(server.Model, conversation, text, format);
        var param = conversation.Tools is null ? ResponseFormatField.Name : "tools";
        var room = new ContextRoom(server.Model.MaxModelLength, "messages");
        var prompt = room.Fit(tokens, truncation, asked, int.MaxValue, settings.MinTokens);
        scoring.Check(prompt.Tokens.Length);
        return new TextRequest
        {
            Format = Format,
            ModelName = name,
            Prompts = [prompt],
            Settings = settings,
            LogProbs = logProbs,
            NewConstraint =
                await AnswerGrammar.CompileAsync(server.Model, grammar, param, cancel),
            PromptLogProbs = scoring.Reported,
            ScoredWith = scoring.Wanted,
            NewParser = AnswerParsers.For(server.Model, conversation, text),
            ShownTokens = AnswerParsers.ShownTokens(server.Model, conversation),
        };
    }

    // Two names for one thing; the older is deprecated, both are in use.
    private static int? MaxTokens(RequestFields fields)
    {
        var newer = fields.Integer(FieldTable.MaxCompletionTokens);
        var older = fields.Integer(FieldTable.MaxTokens);
        return (int?)(newer ?? older);
    }

    private int? LogProbs(RequestFields fields)
    {
        var wanted = fields.Flag(FieldTable.ChatLogProbs);
        var cap = server.Options.Caps.MaxLogProbs;
        var top = (int?)fields.Integer(FieldTable.TopLogProbs with { Max = cap });
        if (top is > 0 && !wanted)
        {
            throw RequestRefusedException.Invalid(
                "'top_logprobs' is allowed only with logprobs: true", "top_logprobs");
        }

        return wanted ? top ?? 0 : null;
    }
}
