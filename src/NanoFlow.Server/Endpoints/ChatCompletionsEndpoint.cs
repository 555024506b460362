// POST /v1/chat/completions: the assistant's next turn of a conversation.

using Microsoft.AspNetCore.Http;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;

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
        var request = new ConversationRequest
        {
            Format = Format,
            ModelName = name,
            Settings = settings,
            MaxTokens = MaxTokens(fields),
            LogProbs = LogProbs(fields),
            Scoring = PromptScoring.Parse(fields, settings, server.Options.Caps, echoed: null),
            Truncation = Truncation.Parse(fields),
            AddSpecialTokens = fields.Bool(FieldTable.AddSpecialTokens.Name) ?? false,
            TextFormat = ResponseFormatField.Parse(fields),
            TextFormatParam = ResponseFormatField.Name,
            Conversation = Conversation.Parse(fields),
            Param = "messages",
        };
        return await request.ReadyAsync(server, cancel);
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
