// A conversation as a request that is ready to run: rendered, in tokens, fitted into the context,
// with the parser for what the model will say.

using NanoFlow.Grammar;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Responses;
using NanoFlow.Server.Tools;

namespace NanoFlow.Server.Endpoints;

internal sealed record ConversationRequest
{
    public required IWireFormat Format { get; init; }

    /// <summary>What the text must look like; null: anything goes.</summary>
    public GrammarSpec? TextFormat { get; init; }

    /// <summary>The field that asks for it.</summary>
    public string TextFormatParam { get; init; } = "";

    public required string ModelName { get; init; }
    public required Conversation Conversation { get; init; }
    public required GenerationSettings Settings { get; init; }

    /// <summary>Null: as many as the context has room for.</summary>
    public required int? MaxTokens { get; init; }

    /// <summary>The field that holds the conversation, for messages.</summary>
    public required string Param { get; init; }

    /// <summary>Alternatives to report with each token; null: no log-probabilities.</summary>
    public int? LogProbs { get; init; }

    /// <summary>What of the prompt is scored; by default nothing.</summary>
    public PromptScoring Scoring { get; init; }

    public Truncation Truncation { get; init; }

    /// <summary>Beside those that the template writes.</summary>
    public bool AddSpecialTokens { get; init; }

    public async Task<TextRequest> ReadyAsync(ServerState server, CancellationToken cancel)
    {
        var text = ChatText.Render(server, Conversation);
        var tokens = await server.Model.EncodeAsync(
            text, ChatText.Encoding(server, AddSpecialTokens), cancel);
        var grammar = AnswerGrammar.For(server.Model, Conversation, text, TextFormat);
        var grammarParam = Conversation.Tools is null ? TextFormatParam : "tools";
        var room = new ContextRoom(server.Model.MaxModelLength, Param);
        var prompt = room.Fit(tokens, Truncation, MaxTokens, int.MaxValue, Settings.MinTokens);
        Scoring.Check(prompt.Tokens.Length);
        return new TextRequest
        {
            Format = Format,
            ModelName = ModelName,
            Prompts = [prompt],
            Settings = Settings,
            LogProbs = LogProbs,
            PromptLogProbs = Scoring.Reported,
            ScoredWith = Scoring.Wanted,
            NewConstraint =
                await AnswerGrammar.CompileAsync(server.Model, grammar, grammarParam, cancel),
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
