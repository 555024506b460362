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
        var model = server.Model;
        var name = model.Resolve(fields.Text("model"));
        var settings = GenerationSettings.Parse(fields, model);
        var asked = MaxTokens(fields);
        var logProbs = LogProbs(fields);
        var text = ChatText.Render(model, MessageField.Parse(fields), addGenerationPrompt: true);
        var tokens = await model.EncodeAsync(text, addSpecialTokens: false, cancel);
        var room = new ContextRoom(model.MaxModelLength, "messages");
        var newTokens = room.NewTokens(tokens.Length, asked, fallback: int.MaxValue);
        ContextRoom.CheckMinTokens(settings.MinTokens, newTokens);
        return new TextRequest
        {
            Format = Format,
            ModelName = name,
            Prompts = [new TokenPrompt(tokens, newTokens)],
            Settings = settings,
            LogProbs = logProbs,
        };
    }

    // Two names for one thing; the older is deprecated, both are in use.
    private static int? MaxTokens(RequestFields fields)
    {
        var newer = fields.Integer(FieldTable.MaxCompletionTokens);
        var older = fields.Integer(FieldTable.MaxTokens);
        return (int?)(newer ?? older);
    }

    private static int? LogProbs(RequestFields fields)
    {
        var wanted = fields.Bool("logprobs") ?? false;
        var top = (int?)fields.Integer(FieldTable.TopLogProbs);
        if (top is not null && !wanted)
        {
            throw RequestRefusedException.Invalid(
                "'top_logprobs' is allowed only with logprobs: true", "top_logprobs");
        }

        return wanted ? top ?? 0 : null;
    }
}
