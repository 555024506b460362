// How an API spells an answer: as one document, or as events while it comes. The same pieces of
// text, reasoning and tool calls go into both.

using System.Text.Json;
using NanoFlow.Server.Generating;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server.Responses;

/// <summary>Immutable: what a stream has written so far belongs to its events.</summary>
internal interface IWireFormat
{
    /// <summary>What ids of its answers start with.</summary>
    string IdPrefix { get; }

    /// <summary>The fields of the document; every choice is finished and holds all its pieces.
    /// </summary>
    void WriteWhole(Utf8JsonWriter json, Answer answer);

    /// <summary>The writer of one stream.</summary>
    IAnswerEvents Begin(Answer answer, EventStream stream);
}

/// <summary>Writes one answer as events: Open, then for each choice any number of pieces and a
/// Finish, then Close; or Fail at any point, and nothing after it. Each call happens within a turn
/// of the stream and is followed by a flush.</summary>
internal interface IAnswerEvents
{
    /// <summary>The request was admitted; nothing has been generated yet.</summary>
    void Open();

    /// <summary>What the choice holds since it was last taken; there is at least one piece.
    /// </summary>
    void Write(Choice choice);

    /// <summary>The choice has its finish reason; its pieces were written.</summary>
    void Finish(Choice choice);

    /// <summary>All choices are finished.</summary>
    void Close();

    void Fail(ApiError error);
}
