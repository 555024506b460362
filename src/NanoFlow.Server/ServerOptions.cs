// How the server listens and what it asks of clients. Bounds on requests are in ServerLimits.

using Microsoft.Extensions.Logging;
using NanoFlow.Server.Protocol;

namespace NanoFlow.Server;

public sealed record ServerOptions
{
    /// <summary>Only this machine, unless told otherwise.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>The host as an address: "localhost" and "*" are names for one.</summary>
    public string ListenAddress => Host switch
    {
        "localhost" => "127.0.0.1",
        "*" => "0.0.0.0",
        _ => Host,
    };

    /// <summary>0: any free port.</summary>
    public int Port { get; init; } = 8000;

    /// <summary>Any of them opens every path but /health; empty: no key is asked for.</summary>
    public IReadOnlyList<string> ApiKeys { get; init; } = [];

    /// <summary>A silent stream sends a comment after this time. Clients and proxies give up after
    /// 60 s or more.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How much of something one request may ask for.</summary>
    public RequestCaps Caps { get; init; } = new();

    /// <summary>Fields nobody knows are refused instead of ignored.</summary>
    public bool StrictParams { get; init; }

    /// <summary>Special tokens spelt out in the text of a message stay text, so that no message
    /// can forge a turn of the conversation.</summary>
    public bool NoSpecialInContent { get; init; }

    /// <summary>Origins whose pages may call this server from a browser; "*" is every one, none is
    /// none.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    /// <summary>Where the log goes; nowhere when null.</summary>
    public Action<ILoggingBuilder>? ConfigureLogging { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
