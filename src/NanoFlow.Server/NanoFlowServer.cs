// The HTTP server of one engine: Kestrel, the routes, and the way it stops. Embeddable: a process
// may run several, each with its own port, metrics and life.

using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NanoFlow.Engine;
using NanoFlow.Server.Access;
using NanoFlow.Server.Endpoints;
using NanoFlow.Server.Metrics;

namespace NanoFlow.Server;

public sealed class NanoFlowServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly PrometheusExporter _exporter;
    private readonly ServerState _state;

    private NanoFlowServer(WebApplication app, PrometheusExporter exporter, ServerState state)
    {
        _app = app;
        _exporter = exporter;
        _state = state;
    }

    /// <summary>Where it listens, with the port that was really taken.</summary>
    public string Address => _app.Urls.First();

    /// <summary>Routes and what they carry, for tests that must see every one.</summary>
    public IReadOnlyList<RouteEndpoint> RouteTable => _app.Services
        .GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToArray();

    /// <exception cref="IOException">The port is taken, or the address is not this machine's.
    /// </exception>
    public static async Task<NanoFlowServer> StartAsync(
        ServerOptions options, ServedModel model, InferenceEngine engine)
    {
        var app = Build(options);
        var factory = app.Services.GetRequiredService<IMeterFactory>();
        var exporter = new PrometheusExporter(instrument => Follows(instrument, factory));
        var metrics = new ServerMetrics(factory, engine, model.Name);
        var state = new ServerState(options, model, engine, metrics, new Lifecycle());
        var server = new NanoFlowServer(app, exporter, state);
        server.Compose();
        try
        {
            await app.StartAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes nothing new, lets what runs come to its end for as long as the token allows,
    /// then closes.</summary>
    public async Task StopAsync(CancellationToken limit)
    {
        try
        {
            await _state.Lifecycle.DrainAsync().WaitAsync(limit);
        }
        catch (OperationCanceledException)
        {
            // Time is up: closing the sockets cancels what still runs.
        }

        await _app.StopAsync(limit);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _exporter.Dispose();
    }

    private static WebApplication Build(ServerOptions options)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        options.ConfigureLogging?.Invoke(builder.Logging);
        builder.Services.AddSingleton<IHostLifetime, EmbeddedLifetime>();
        builder.Services.AddSingleton<AccessLog>();
        builder.Services.AddCors(cors => cors.AddDefaultPolicy(policy => policy
            .WithOrigins([.. options.AllowedOrigins])
            .WithMethods(HttpMethods.Get, HttpMethods.Post)
            .AllowAnyHeader()
            .WithExposedHeaders(RequestShell.IdHeader, IgnoredParams.Header)));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = ServerLimits.MaxDroppedBodyBytes;
            kestrel.Limits.MaxConcurrentConnections = ServerLimits.MaxConnections;
            kestrel.Limits.MinResponseDataRate = new MinDataRate(
                ServerLimits.MinSendBytesPerSecond,
                TimeSpan.FromSeconds(ServerLimits.SendGraceSeconds));
            kestrel.Listen(IPAddress.Parse(options.ListenAddress), options.Port);
        });
        return builder.Build();
    }

    private void Compose()
    {
        var log = _app.Services.GetRequiredService<AccessLog>();
        var shell = new RequestShell(log, _state.Options.Time);
        var gate = new ApiKeyGate(_state.Options.ApiKeys);
        _app.Use(next => context => shell.RunAsync(context, next));
        _app.UseRouting();
        if (_state.Options.AllowedOrigins.Count > 0)
        {
            // Before the gate: browsers ask for leave without a key.
            _app.UseCors();
        }

        _app.Use(next => context =>
        {
            gate.Check(context);
            return next(context);
        });
        Routes.Map(_app, _state, _exporter);
    }

    // The meters of this server and its Kestrel carry its factory as their scope; the runtime's
    // belongs to the process.
    private static bool Follows(Instrument instrument, IMeterFactory factory) =>
        instrument.Meter.Scope == factory || instrument.Meter.Name == "System.Runtime";

    // Signals belong to whoever embeds the server.
    private sealed class EmbeddedLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
