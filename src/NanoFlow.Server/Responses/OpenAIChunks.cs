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
    private StreamSettings Settings => answer.Request.Settings.Stream;

    public void Open()
    {
        foreach (var choice in answer.Choices)
        {
            if (format.HasOpening)
            {
                var json = BeginChunk(choice);
                format.WriteOpening(json);
                format.WriteLogProbs(json, choice);
                EndChunk(json, null);
            }

            if (answer.Request.PromptOf(choice.Index).Echo is { } echo)
            {
                WritePiece(choice, new AnswerPiece
                {
                    Kind = PieceKind.Text, Text = Encoding.UTF8.GetBytes(echo),
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
        format.WriteLogProbs(json, choice);
        EndChunk(json, choice.FinishReason);
    }

    public void Close()
    {
        if (Settings.IncludeUsage)
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

    private void WritePiece(Choice choice, in AnswerPiece piece)
    {
        var json = BeginChunk(choice);
        format.WritePiece(json, piece);
        format.WriteLogProbs(json, choice);
        EndChunk(json, null);
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

    private void EndChunk(Utf8JsonWriter json, string? finish)
    {
        json.WriteString("finish_reason"u8, finish);
        json.WriteEndObject();
        json.WriteEndArray();
        WriteUsage(json);
        stream.End();
    }

    // With include_usage every chunk has the field; only the last has numbers, unless the client
    // wants them all the time.
    private void WriteUsage(Utf8JsonWriter json)
    {
        if (Settings.ContinuousUsage)
        {
            answer.Usage.Write(json);
        }
        else if (Settings.IncludeUsage)
        {
            json.WriteNull("usage"u8);
        }
    }
}
