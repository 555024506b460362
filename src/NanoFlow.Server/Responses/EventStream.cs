// Server-sent events of one response. Several choices write to it, so each writes within a turn.
// While nothing was sent for a while, a comment keeps proxies and clients from giving up and lets a
// client that vanished be noticed.

using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace NanoFlow.Server.Responses;

internal sealed class EventStream : IAsyncDisposable
{
    private readonly HttpContext _context;
    private readonly TimeProvider _time;
    private readonly Utf8JsonWriter _json;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly CancellationTokenSource _stop;
    private readonly Task _keepAlive;
    private long _lastWrite;

    private EventStream(HttpContext context, TimeProvider time, TimeSpan silence)
    {
        _context = context;
        _time = time;
        _json = new Utf8JsonWriter(context.Response.BodyWriter, JsonResponse.WriterOptions);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        _lastWrite = time.GetTimestamp();
        _keepAlive = KeepAliveAsync(silence);
    }

    /// <summary>Sends the headers; from here on a failure can only be an event.</summary>
    public static async Task<EventStream> StartAsync(
        HttpContext context, TimeProvider time, TimeSpan silence)
    {
        var response = context.Response;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
        await response.StartAsync(context.RequestAborted);
        return new EventStream(context, time, silence);
    }

    /// <summary>Waits for the right to write; it ends when the result is disposed.</summary>
    public async ValueTask<Turn> EnterAsync()
    {
        await _turn.WaitAsync(_context.RequestAborted);
        return new Turn(_turn);
    }

    /// <summary>Starts an event; what is written to the result is its data.</summary>
    /// <param name="name">Of its type, where the API names them.</param>
    public Utf8JsonWriter Begin(ReadOnlySpan<byte> name = default)
    {
        if (!name.IsEmpty)
        {
            Write("event: "u8);
            Write(name);
            Write("\n"u8);
        }

        Write("data: "u8);
        _json.Reset(_context.Response.BodyWriter);
        _json.WriteStartObject();
        return _json;
    }

    public void End()
    {
        _json.WriteEndObject();
        _json.Flush();
        Write("\n\n"u8);
    }

    public void WriteDone() => Write("data: [DONE]\n\n"u8);

    public async Task FlushAsync()
    {
        _lastWrite = _time.GetTimestamp();
        await _context.Response.BodyWriter.FlushAsync(_context.RequestAborted);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _keepAlive;
        _stop.Dispose();
        _turn.Dispose();
        await _json.DisposeAsync();
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        var writer = _context.Response.BodyWriter;
        bytes.CopyTo(writer.GetSpan(bytes.Length));
        writer.Advance(bytes.Length);
    }

    private async Task KeepAliveAsync(TimeSpan silence)
    {
        using var timer = new PeriodicTimer(silence / 2, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                using var turn = await EnterAsync();
                if (_time.GetElapsedTime(_lastWrite) >= silence)
                {
                    Write(": keep-alive\n\n"u8);
                    await FlushAsync();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The response is complete or the client is gone.
        }
    }

    internal readonly struct Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
