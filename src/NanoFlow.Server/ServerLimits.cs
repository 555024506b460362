// Every bound on what a client may send or hold, with the reason for its number.

namespace NanoFlow.Server;

public static class ServerLimits
{
    // 4 MiB of text is about a million tokens, more than any context that is served here.
    public const int MaxBodyBytes = 4 << 20;

    // A body up to here is read and dropped before it is refused; a larger one is cut off.
    public const int MaxDroppedBodyBytes = 64 << 20;

    // Deepest legal body: messages[].tool_calls[].function; the rest is room for ignored fields.
    public const int MaxJsonDepth = 64;

    // Prompts times n of one request. Each choice is a sequence of the scheduler.
    public const int MaxChoices = 128;

    // OpenAI takes 4 stop strings, vLLM any number; each one costs a comparison per character.
    public const int MaxStopStrings = 16;
    public const int MaxStopBytes = 256;

    // Published models name at most a dozen end tokens.
    public const int MaxStopTokens = 64;

    // NF_MAX_BIAS of nanoflow.h.
    public const int MaxBiasEntries = 1024;

    // NF_MAX_LOGPROBS of nanoflow.h, and the OpenAI limit.
    public const int MaxLogProbs = 20;

    // OpenAI's limits of a list of tools and of a name.
    public const int MaxTools = 128;
    public const int MaxToolNameChars = 64;

    // Calls in one answer that must be calls. Published examples stay below ten.
    public const int MaxCalls = 32;

    // The OpenAI limit; the body's size bounds them together.
    public const int MaxEmbeddingInputs = 2048;

    // Inputs of one request for embeddings that wait or run together: enough to fill steps with
    // short texts, few enough that one request does not fill the queue for all others.
    public const int EmbeddingWindow = 32;

    // Retrieved texts that a template puts before the question; published ones show a dozen.
    public const int MaxDocuments = 256;

    // Published templates have at most a dozen variables of their own.
    public const int MaxTemplateVariables = 64;

    // A client that is told to wait asks again after a second; steps are far shorter.
    public const int RetryAfterMs = 1000;

    // Long enough for a UUID with a prefix; the id is copied into every log line.
    public const int MaxRequestIdChars = 128;

    // Names listed in x-ignored-params; more are counted by nobody.
    public const int MaxIgnoredNames = 16;

    // Open sockets. A stream costs about 80 KiB here, so this many fit in a gigabyte.
    public const int MaxConnections = 10_000;

    // Of a client that fell behind by more than the sockets hold: whoever takes this much is never
    // cut off, however long its answer. Fast text is 12 KiB of events a second, the worst mobile
    // networks in use (EDGE) carry 8 to 25 KiB, so a slow reader lags but stays; and the grace
    // covers the minute's quarter that a phone is in a tunnel. What such a client holds is a
    // connection and what was not yet sent; steps do not wait for it. Kestrel's own 240 would let
    // one that reads a byte a second keep them for hours: an answer of a megabyte is gone after
    // four minutes here, after more than an hour there.
    public const int MinSendBytesPerSecond = 4 << 10;
    public const int SendGraceSeconds = 15;
}
