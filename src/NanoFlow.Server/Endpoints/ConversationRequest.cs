// A conversation as a request that is ready to run: rendered, in tokens, fitted into the context,
// with the parser for what the model will say.

using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;

namespace NanoFlow.Server.Endpoints;

internal sealed record ConversationRequest
{
    public required IWireFormat Format { get; init; }
    public required string ModelName { get; init; }
    public required Conversation Conversation { get; init; }
    public required GenerationSettings Settings { get; init; }

    /// <summary>Null: as many as the context has room for.</summary>
    public required int? MaxTokens { get; init; }

    /// <summary>The field that holds the conversation, for messages.</summary>
    public required string Param { get; init; }

    public async Task<TextRequest> ReadyAsync(ServerState server, CancellationToken cancel)
    {
        var text = ChatText.Render(server, Conversation);
        var tokens = await server.Model.EncodeAsync(
            text, ChatText.Encoding(server, addSpecialTokens: false), cancel);
        var room = new ContextRoom(server.Model.MaxModelLength, Param);
        return new TextRequest
        {
            Format = Format,
            ModelName = ModelName,
            Prompts =
            [
                room.Fit(tokens, default, MaxTokens, int.MaxValue, Settings.MinTokens),
            ],
            Settings = Settings,
            LogProbs = null,
            NewParser = AnswerParsers.For(server.Model, Conversation, text),
            ShownTokens = AnswerParsers.ShownTokens(server.Model, Conversation),
        };
    }

    /// <summary>These APIs have one answer to a request.</summary>
    public static void CheckOneChoice(GenerationSettings settings)
    {
        if (settings.N != 1)
        {
            throw RequestRefusedException.Invalid("'n' must be 1 here", FieldTable.N.Name);
        }
    }
}
