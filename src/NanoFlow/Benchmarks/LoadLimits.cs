// What a load may be made of, and what is taken from a server, each with its reason.

namespace NanoFlow.Benchmarks;

internal static class LoadLimits
{
    /// <summary>All lengths and results are kept in memory, some hundred bytes a request.</summary>
    public const int Requests = 1_000_000;

    /// <summary>Of a prompt or an answer; above any context there is.</summary>
    public const int Tokens = 1 << 24;

    /// <summary>A week of a busy service; 16 bytes each are kept.</summary>
    public const int TraceRows = 1 << 25;

    /// <summary>A row has three short fields.</summary>
    public const int TraceColumns = 1024;

    /// <summary>Of a stream's event. A chunk with log-probabilities has some kilobytes.</summary>
    public const int EventBytes = 1 << 20;

    /// <summary>Events of a stream that are no token: keep-alives, role, usage.</summary>
    public const int OtherEvents = 4096;

    /// <summary>Of an answer that is no stream: an error, the list of models.</summary>
    public const int BodyBytes = 1 << 20;

    /// <summary>Of a message that is shown.</summary>
    public const int MessageLength = 300;

    /// <summary>Different messages that are counted; the rest are counted together.</summary>
    public const int Messages = 16;
}
