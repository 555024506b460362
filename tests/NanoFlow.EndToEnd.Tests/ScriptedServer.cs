// A server that answers what it is told, byte by byte, whatever is asked: each connection takes the
// next of its answers, the last one again and again. Answers are whole HTTP responses; the
// connection is closed after them.

using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NanoFlow.EndToEnd.Tests;

public sealed class ScriptedServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly string[] _answers;
    private readonly List<string> _requests = [];
    private readonly Task _serving;

    public ScriptedServer(params string[] answers)
    {
        _answers = answers;
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Heads and bodies, in their order.</summary>
    public IReadOnlyList<string> Requests
    {
        get
        {
            lock (_requests)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>A stream of these events.</summary>
    public static string Events(params string[] data) =>
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        + string.Concat(data.Select(one => $"data: {one}\n\n"));

    /// <summary>A piece of an answer.</summary>
    public static string Text(string text) =>
        $"{{\"choices\":[{{\"index\":0,\"text\":\"{text}\"}}]}}";

    public static string Usage(int input, int output) =>
        $"{{\"choices\":[],\"usage\":{{\"prompt_tokens\":{input},"
        + $"\"completion_tokens\":{output}}}}}";

    public static string Json(int status, string body) =>
        $"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n"
        + $"Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}";

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _serving;
        _end.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            for (var i = 0; ; i++)
            {
                using var client = await _listener.AcceptTcpClientAsync(_end.Token);
                await AnswerAsync(client.GetStream(), _answers[Math.Min(i, _answers.Length - 1)]);
                client.Client.Shutdown(SocketShutdown.Send);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task AnswerAsync(NetworkStream stream, string answer)
    {
        var request = new StringBuilder();
        var buffer = new byte[64 << 10];
        while (!IsWhole(request.ToString()))
        {
            var count = await stream.ReadAsync(buffer, _end.Token);
            request.Append(Encoding.UTF8.GetString(buffer, 0, count));
        }
        lock (_requests)
        {
            _requests.Add(request.ToString());
        }
        await stream.WriteAsync(Encoding.UTF8.GetBytes(answer), _end.Token);
    }

    private static bool IsWhole(string request)
    {
        const string Length = "Content-Length: ";
        var body = request.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        var length = request.IndexOf(Length, StringComparison.Ordinal) + Length.Length;
        return body >= 4 && (length < Length.Length || request.Length - body
            >= int.Parse(request[length..request.IndexOf('\r', length)]));
    }
}
