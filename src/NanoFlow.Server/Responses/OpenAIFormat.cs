// What completions and chat have in common on the wire: the head, the list of choices with finish
// reason and log-probabilities, the usage. They differ in the fields of a choice.

using System.Text.Json;
using NanoFlow.Server.Generating;

namespace NanoFlow.Server.Responses;

internal abstract class OpenAIFormat : IWireFormat
{
    public abstract string IdPrefix { get; }

    /// <summary>The "object" of a whole answer, and of a chunk of a stream.</summary>
    public abstract string ObjectName { get; }

    public abstract string ChunkName { get; }

    /// <summary>A stream starts with a chunk that names the role.</summary>
    public abstract bool HasOpening { get; }

    /// <summary>Ids of the prompt belong to the choice; otherwise to the answer.</summary>
    public abstract bool HasPromptInChoice { get; }

    public IAnswerEvents Begin(Answer answer, EventStream stream) =>
        new OpenAIChunks(this, answer, stream);

    public void WriteWhole(Utf8JsonWriter json, Answer answer)
    {
        answer.Head.Write(json, ObjectName);
        json.WriteStartArray("choices"u8);
        foreach (var choice in answer.Choices)
        {
            json.WriteStartObject();
            json.WriteNumber("index"u8, choice.Index);
            WriteWholeChoice(json, choice, answer.Request.PromptOf(choice.Index));
            WriteLogProbs(json, choice);
            json.WriteString("finish_reason"u8, choice.FinishReason);
            WriteTokenIds(json, answer, choice);
            if (HasPromptInChoice)
            {
                WritePrompt(json, answer, choice);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (!HasPromptInChoice)
        {
            WritePrompt(json, answer, answer.Choices[0]);
        }

        answer.Usage.Write(json);
        json.WriteNull("system_fingerprint"u8);
    }

    /// <summary>The fields of a choice: first chunk of a stream.</summary>
    public abstract void WriteOpening(Utf8JsonWriter json);

    /// <summary>The fields of a choice: one new piece of a stream.</summary>
    public abstract void WritePiece(Utf8JsonWriter json, in AnswerPiece piece);

    /// <summary>The fields of a choice: last chunk of a stream.</summary>
    public abstract void WriteEnding(Utf8JsonWriter json);

    /// <summary>The fields of a choice: all its pieces.</summary>
    public abstract void WriteWholeChoice(Utf8JsonWriter json, Choice choice, TokenPrompt prompt);

    /// <summary>"logprobs" of the tokens not yet written.</summary>
    public void WriteLogProbs(Utf8JsonWriter json, Choice choice)
    {
        json.WritePropertyName("logprobs"u8);
        if (choice.LogProbs.Count == 0)
        {
            json.WriteNullValue();
        }
        else
        {
            WriteLogProbs(json, choice.LogProbs);
        }
    }

    /// <summary>Ids of the tokens not yet written, when they were asked for.</summary>
    public static void WriteTokenIds(Utf8JsonWriter json, Answer answer, Choice choice)
    {
        if (answer.Request.Settings.ReturnTokenIds)
        {
            TokenIds.Write(json, "token_ids", choice.Tokens);
        }
    }

    public static void WritePromptIds(Utf8JsonWriter json, Answer answer, Choice choice)
    {
        if (answer.Request.Settings.ReturnTokenIds)
        {
            TokenIds.Write(
                json, "prompt_token_ids", answer.Request.PromptOf(choice.Index).Tokens);
        }
    }

    private static void WritePrompt(Utf8JsonWriter json, Answer answer, Choice choice)
    {
        WritePromptIds(json, answer, choice);
        PromptLogProbs.Write(
            json,
            choice,
            answer.Request.PromptOf(choice.Index),
            answer.Request.PromptLogProbs);
    }

    protected abstract void WriteLogProbs(
        Utf8JsonWriter json, IReadOnlyList<TokenLogProbs> tokens);
}
