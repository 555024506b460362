// A client that does what HTTP libraries do not: sends half a request, reads a byte at a time,
// takes nothing more, or is gone from one moment to the next.

using System.Net.Sockets;
using System.Text;

namespace NanoFlow.EndToEnd.Tests;

public sealed class LoadSocket : IDisposable
{
    // The least the kernel grants; what the reader leaves lying soon fills the server's side.
    private const int ReceiveBytes = 2048;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp)
    {
        ReceiveBufferSize = ReceiveBytes,
    };

    /// <summary>Sends a request for a completion.</summary>
    /// <param name="share">Of the bytes of its body.</param>
    public static async Task<LoadSocket> SendAsync(
        HttpClient client, StringContent body, double share = 1)
    {
        var socket = new LoadSocket();
        var server = client.BaseAddress!;
        await socket._socket.ConnectAsync(server.Host, server.Port);
        var bytes = await body.ReadAsByteArrayAsync();
        var head = Encoding.ASCII.GetBytes(
            $"POST /v1/completions HTTP/1.1\r\nHost: {server.Authority}\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {bytes.Length}\r\n\r\n");
        await socket.WriteAsync(head);
        await socket.WriteAsync(bytes.AsMemory(0, (int)(bytes.Length * share)));
        return socket;
    }

    /// <summary>Reads until the text was there so often.</summary>
    public async Task ReadPastAsync(string text, int times)
    {
        var seen = new StringBuilder();
        var buffer = new byte[256];
        for (var found = 0; found < times;)
        {
            var count = await _socket.ReceiveAsync(buffer);
            Assert.True(count > 0, $"the server closed the connection before '{text}': {seen}");
            seen.Append(Encoding.ASCII.GetString(buffer, 0, count));
            found = seen.ToString().Split(text).Length - 1;
        }
    }

    /// <returns>False: the server has closed the connection.</returns>
    public async Task<bool> ReadByteAsync()
    {
        try
        {
            return await _socket.ReceiveAsync(new byte[1]) > 0;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return false;
        }
    }

    /// <summary>Closes without a farewell, as a process does that is killed with bytes
    /// unread.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    public void Dispose() => _socket.Dispose();

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await _socket.SendAsync(bytes)..];
        }
    }
}
