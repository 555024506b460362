// How the server listens and what it asks of clients. Bounds on requests are in ServerLimits.

using Microsoft.Extensions.Logging;

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

    /// <summary>Where the log goes; nowhere when null.</summary>
    public Action<ILoggingBuilder>? ConfigureLogging { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
