// The flags of `serve` that concern HTTP.

using NanoFlow.Cli;
using NanoFlow.Models;
using NanoFlow.Server;
using NanoFlow.Server.Protocol;
using NanoFlow.Server.Tools;

namespace NanoFlow.Commands;

internal static class ServeFlags
{
    public const int DefaultShutdownSeconds = 30;

    private static readonly ServerOptions Defaults = new();

    public static readonly Flag<string> Host = new(
        "--host", "ADDRESS", "an address of this machine", Defaults.Host,
        "where to listen; 0.0.0.0 is every network",
        Read.Text);

    public static readonly Flag<int> Port = new(
        "--port", "N", "0 to 65535; 0 is any free port", $"{Defaults.Port}",
        "port to listen on",
        Read.Integer(0, 65535));

    public static readonly Flag<string> ServedModelName = new(
        "--served-model-name", "NAME", "a name", "that of the folder or file",
        "what clients call the model; the first is used in answers",
        Read.Text)
    { Repeats = true };

    public static readonly Flag<string> ApiKey = new(
        "--api-key", "KEY", "a secret", "none: everybody may ask",
        "key that clients must send; every path but /health asks for it",
        Read.Text)
    { Repeats = true };

    public static readonly Flag<int> ShutdownTimeout = new(
        "--shutdown-timeout", "SECONDS", "0 to 3600", $"{DefaultShutdownSeconds}",
        "how long running requests may take to end after Ctrl-C or SIGTERM",
        Read.Integer(0, 3600));

    public static readonly Flag<string[]> AllowedOrigins = new(
        "--allowed-origins", "ORIGIN", "an origin such as https://example.org, or *", "none",
        "origins whose pages may call this server from a browser",
        Read.Origins)
    { Repeats = true };

    public static readonly Flag<ReasoningMode> ReasoningParser = new(
        "--reasoning-parser", "NAME", "auto, none or think", "auto: by template and vocabulary",
        "takes what models think out of the content of chat answers",
        Read.Choice(
            ("auto", ReasoningMode.Auto),
            ("none", ReasoningMode.None),
            ("think", ReasoningMode.Think),

            // Names that vLLM and SGLang have for models with these marks.
            ("deepseek_r1", ReasoningMode.Think),
            ("deepseek-r1", ReasoningMode.Think),
            ("qwen3", ReasoningMode.Think)));

    public static readonly Flag<ToolCallSyntax> ToolCallParser = new(
        "--tool-call-parser", "NAME", "auto, hermes, llama3_json, mistral or none",
        "auto: by template",
        "how the model writes tool calls",
        Read.Choice(
            ("auto", ToolCallSyntax.Auto),
            ("hermes", ToolCallSyntax.Hermes),
            ("llama3_json", ToolCallSyntax.Llama3Json),
            ("mistral", ToolCallSyntax.Mistral),
            ("none", ToolCallSyntax.None)));

    public static readonly Flag<PoolingMode> Pooling = new(
        "--pooling", "NAME", "auto, last, mean or cls", "auto: as the model's folder says, or last",
        "which hidden state of a text is its embedding",
        Read.Choice(
            ("auto", PoolingMode.Auto),
            ("last", PoolingMode.Last),
            ("mean", PoolingMode.Mean),
            ("cls", PoolingMode.First)));

    public static readonly Flag<bool> NoSpecialInContent = new(
        "--no-special-in-content", null, "true or false", "off",
        "special tokens spelt out in chat messages stay text",
        Read.Switch);

    public static readonly Flag<bool> StrictParams = new(
        "--strict-params", null, "true or false", "off",
        "refuse unknown request fields instead of ignoring them",
        Read.Switch);

    public static readonly Flag<int> MaxN = new(
        "--max-n", "N", $"1 to {ServerLimits.MaxChoices}", $"{Defaults.Caps.MaxN}",
        "choices a request may ask for",
        Read.Integer(1, ServerLimits.MaxChoices));

    public static readonly Flag<int> MaxLogProbs = new(
        "--max-logprobs", "N", $"0 to {ServerLimits.MaxLogProbs}",
        $"{Defaults.Caps.MaxLogProbs}",
        "alternatives a request may have reported with each token",
        Read.Integer(0, ServerLimits.MaxLogProbs));

    public static readonly Flag<int> MaxStopStrings = new(
        "--max-stop-strings", "N", $"1 to {ServerLimits.MaxStopStrings}",
        $"{Defaults.Caps.MaxStopStrings}",
        "stop strings of a request",
        Read.Integer(1, ServerLimits.MaxStopStrings));

    public static readonly Flag<int> MaxLogitBias = new(
        "--max-logit-bias", "N", $"0 to {ServerLimits.MaxBiasEntries}",
        $"{Defaults.Caps.MaxLogitBias}",
        "entries of a request's logit_bias",
        Read.Integer(0, ServerLimits.MaxBiasEntries));

    public static IReadOnlyList<Flag> All { get; } =
    [
        Host, Port, ServedModelName, ApiKey, AllowedOrigins, ShutdownTimeout, ReasoningParser,
        ToolCallParser, Pooling, NoSpecialInContent, StrictParams, MaxN, MaxLogProbs,
        MaxStopStrings, MaxLogitBias,
    ];

    public static ServerOptions Options(Given given) => new()
    {
        Host = given.Get(Host, Defaults.Host),
        Port = given.Get(Port, Defaults.Port),
        ApiKeys = given.All(ApiKey),
        AllowedOrigins = [.. given.All(AllowedOrigins).SelectMany(origins => origins)],
        NoSpecialInContent = given.Get(NoSpecialInContent, Defaults.NoSpecialInContent),
        StrictParams = given.Get(StrictParams, Defaults.StrictParams),
        Caps = new RequestCaps
        {
            MaxN = given.Get(MaxN, Defaults.Caps.MaxN),
            MaxLogProbs = given.Get(MaxLogProbs, Defaults.Caps.MaxLogProbs),
            MaxStopStrings = given.Get(MaxStopStrings, Defaults.Caps.MaxStopStrings),
            MaxLogitBias = given.Get(MaxLogitBias, Defaults.Caps.MaxLogitBias),
        },
    };
}
