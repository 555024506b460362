// Asks an OpenAI-compatible server over HTTP. It knows no retries and no proxies: what is measured
// is the server. Every request has a connection of its own: some servers close one that is kept at
// the moment at which the next request is sent on it, which would count as a failure.

using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;

namespace NanoFlow.Benchmarks;

internal sealed class CompletionClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly TimeSpan _timeout;
    private readonly Uri _completions;
    private readonly Uri _models;

    /// <param name="server">With or without /v1 at its end.</param>
    /// <param name="timeout">Of a whole request.</param>
    public CompletionClient(Uri server, string? apiKey, TimeSpan timeout)
    {
        var root = server.GetLeftPart(UriPartial.Path).TrimEnd('/');
        root = root.EndsWith("/v1", StringComparison.Ordinal) ? root : root + "/v1";
        _completions = new Uri(root + "/completions");
        _models = new Uri(root + "/models");
        _timeout = timeout;
        _http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestHeaders = { ConnectionClose = true },
        };
        if (apiKey is not null)
        {
            _http.DefaultRequestHeaders.Authorization =
                new AuthenticationHeaderValue("Bearer", apiKey);
        }
    }

    /// <summary>The first of the server's models.</summary>
    /// <exception cref="RequestFailure">There is none, or no server.</exception>
    public async Task<string> FirstModelAsync()
    {
        var text = await LimitedAsync(async cancel =>
        {
            using var response = await _http.GetAsync(
                _models, HttpCompletionOption.ResponseHeadersRead, cancel);
            await ThrowUnlessSuccessAsync(response, cancel);
            return await ReadBodyAsync(response, cancel);
        });
        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.GetProperty("data")[0].GetProperty("id").GetString()!;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException
            or InvalidOperationException or IndexOutOfRangeException)
        {
            throw new RequestFailure($"{_models} is no list of models: use --model");
        }
    }

    /// <param name="body">From <see cref="CompletionFields"/>.</param>
    /// <param name="lengths">What it asks for.</param>
    /// <exception cref="RequestFailure">There was no whole answer; says why.</exception>
    public Task<Answer> AskAsync(ReadOnlyMemory<byte> body, Lengths lengths) =>
        LimitedAsync(async cancel =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, _completions)
            {
                Content = new ReadOnlyMemoryContent(body)
                {
                    Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
                },
            };
            var stream = new CompletionStream(
                lengths.Input, lengths.Output, Stopwatch.GetTimestamp());
            using var response = await _http.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, cancel);
            await ThrowUnlessSuccessAsync(response, cancel);
            var type = response.Content.Headers.ContentType?.MediaType;
            if (type != "text/event-stream")
            {
                throw new RequestFailure($"the answer is {type ?? "untyped"}, not a stream");
            }
            await ReadAsync(await response.Content.ReadAsStreamAsync(cancel), stream, cancel);
            return stream.ToAnswer();
        });

    public void Dispose() => _http.Dispose();

    // To the end of the answer, which may come after the end of the stream: a server must not take
    // its client for one that has left.
    private static async Task ReadAsync(
        Stream bytes, CompletionStream stream, CancellationToken cancel)
    {
        var afterwards = 0;
        while (afterwards < LoadLimits.BodyBytes
            && await bytes.ReadAsync(stream.Room(), cancel) is > 0 and var count)
        {
            afterwards += stream.IsDone ? count : 0;
            stream.Take(count, Stopwatch.GetTimestamp());
        }
    }

    private static async Task ThrowUnlessSuccessAsync(
        HttpResponseMessage response, CancellationToken cancel)
    {
        if (!response.IsSuccessStatusCode)
        {
            var body = await ReadBodyAsync(response, cancel);
            throw new RequestFailure($"HTTP {(int)response.StatusCode}: {ErrorText.Of(body)}");
        }
    }

    // What is longer than the limit is cut.
    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(
        HttpResponseMessage response, CancellationToken cancel)
    {
        var bytes = await response.Content.ReadAsStreamAsync(cancel);
        var body = new MemoryStream();
        var piece = new byte[4096];
        while (body.Length < LoadLimits.BodyBytes
            && await bytes.ReadAsync(piece, cancel) is > 0 and var count)
        {
            body.Write(piece, 0, count);
        }
        return body.ToArray();
    }

    // Whatever can go wrong with a request, in one line.
    private async Task<T> LimitedAsync<T>(Func<CancellationToken, Task<T>> ask)
    {
        using var limit = new CancellationTokenSource(_timeout);
        try
        {
            return await ask(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new RequestFailure(
                FormattableString.Invariant($"not done after {_timeout.TotalSeconds} s"));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            var inner = e.InnerException?.Message;
            throw new RequestFailure(
                inner is null || e.Message.Contains(inner) ? e.Message : $"{e.Message} {inner}");
        }
    }
}
