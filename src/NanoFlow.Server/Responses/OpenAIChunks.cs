// The stream of completions and chat: a chunk for each piece, one with the finish reason for each
// choice, one with the usage when it was asked for, and the end mark.

using System.Text;
using System.Text.Json;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Responses;

internal sealed class OpenAIChunks(OpenAIFormat format, Answer answer, EventStream stream)
    : IAnswerEvents
{
    private GenerationSettings Settings => answer.Request.Settings;

    public void Open()
    {
        foreach (var choice in answer.Choices)
        {
            if (format.HasOpening || Settings.ReturnTokenIds)
            {
                WriteOpening(choice);
            }

            if (answer.Request.PromptOf(choice.Index).Echo is { } echo)
            {
                WritePiece(choice, new AnswerPiece
                {
                    Kind = PieceKind.Text,
                    Text = Encoding.UTF8.GetBytes(echo),
                });
            }
        }
    }

    public void Write(Choice choice)
    {
        for (var i = 0; i < choice.Pieces.Count; i++)
        {
            WritePiece(choice, choice.Pieces[i]);
            choice.TakeDetails();
        }
    }

    public void Finish(Choice choice)
    {
        var json = BeginChunk(choice);
        format.WriteEnding(json);
        EndChoice(json, choice, choice.FinishReason);
        EndChunk(json);
    }

    public void Close()
    {
        if (Settings.Stream.IncludeUsage)
        {
            var json = stream.Begin();
            answer.Head.Write(json, format.ChunkName);
            json.WriteStartArray("choices"u8);
            json.WriteEndArray();
            answer.Usage.Write(json);
            stream.End();
        }

        stream.WriteDone();
    }

    // An event with an error, then a closed connection without an end mark: no client can take that
    // for a complete answer.
    public void Fail(ApiError error)
    {
        JsonResponse.WriteError(stream.Begin(), error);
        stream.End();
    }

    private void WriteOpening(Choice choice)
    {
        var json = BeginChunk(choice);
        format.WriteOpening(json);
        if (format.HasPromptInChoice)
        {
            OpenAIFormat.WritePromptIds(json, answer, choice);
        }

        EndChoice(json, choice, null);
        if (!format.HasPromptInChoice && choice.Index == 0)
        {
            OpenAIFormat.WritePromptIds(json, answer, choice);
        }

        EndChunk(json);
    }

    private void WritePiece(Choice choice, in AnswerPiece piece)
    {
        var json = BeginChunk(choice);
        format.WritePiece(json, piece);
        EndChoice(json, choice, null);
        EndChunk(json);
    }

    private Utf8JsonWriter BeginChunk(Choice choice)
    {
        var json = stream.Begin();
        answer.Head.Write(json, format.ChunkName);
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, choice.Index);
        return json;
    }

    private void EndChoice(Utf8JsonWriter json, Choice choice, string? finish)
    {
        format.WriteLogProbs(json, choice);
        json.WriteString("finish_reason"u8, finish);
        OpenAIFormat.WriteTokenIds(json, answer, choice);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private void EndChunk(Utf8JsonWriter json)
    {
        WriteUsage(json);
        stream.End();
    }

    // With include_usage every chunk has the field; only the last has numbers, unless the client
    // wants them all the time.
    private void WriteUsage(Utf8JsonWriter json)
    {
        if (Settings.Stream.ContinuousUsage)
        {
            answer.Usage.Write(json);
        }
        else if (Settings.Stream.IncludeUsage)
        {
            json.WriteNull("usage"u8);
        }
    }
}
