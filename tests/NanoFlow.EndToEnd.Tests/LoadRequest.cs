// One request for a completion and its answer, streamed or whole, so that the two can be compared:
// text, reason, count and log-probabilities as they were written, digit for digit.

using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace NanoFlow.EndToEnd.Tests;

/// <param name="LogProbs">As JSON, one a token, separated by spaces; empty when not asked
/// for.</param>
public sealed record LoadAnswer(string Text, string Finish, int Tokens, string LogProbs);

/// <param name="Sampling">Fields of the body after prompt and max_tokens, each with a comma before
/// it.</param>
public sealed record LoadRequest(int[] Prompt, int MaxTokens, string Sampling)
{
    public async Task<LoadAnswer> AskWholeAsync(HttpClient client)
    {
        using var body = Body("");
        using var response = await client.PostAsync("/v1/completions", body);
        var json = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, json);
        using var document = JsonDocument.Parse(json);
        var answer = new Pieces();
        answer.Add(document.RootElement);
        return answer.ToAnswer();
    }

    public async Task<LoadAnswer> AskStreamAsync(HttpClient client)
    {
        using var response = await StartStreamAsync(client);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var answer = new Pieces();
        var last = "";
        while (await reader.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("data: {", StringComparison.Ordinal))
            {
                using var document = JsonDocument.Parse(line.AsMemory("data: ".Length));
                answer.Add(document.RootElement);
            }

            last = line.Length > 0 ? line : last;
        }

        Assert.Equal("data: [DONE]", last);
        return answer.ToAnswer();
    }

    /// <summary>The headers are there, the events are still to be read.</summary>
    public async Task<HttpResponseMessage> StartStreamAsync(HttpClient client)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = Body(",\"stream\":true,\"stream_options\":{\"include_usage\":true}"),
        };
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            Assert.Fail(await response.Content.ReadAsStringAsync());
        }

        return response;
    }

    /// <param name="more">More fields, each with a comma before it.</param>
    public StringContent Body(string more) => new(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"prompt\":[{string.Join(',', Prompt)}],\"max_tokens\":{MaxTokens}"
            + $"{Sampling}{more}}}"),
        Encoding.UTF8,
        "application/json");

    private sealed class Pieces
    {
        private readonly StringBuilder _text = new();
        private readonly List<string> _logProbs = [];
        private string _finish = "none";
        private int _tokens = -1;

        public void Add(JsonElement json)
        {
            Assert.False(json.TryGetProperty("error", out var error), error.ToString());
            foreach (var choice in json.GetProperty("choices").EnumerateArray())
            {
                _text.Append(choice.GetProperty("text").GetString());
                _finish = choice.GetProperty("finish_reason").GetString() ?? _finish;
                var logProbs = choice.GetProperty("logprobs");
                if (logProbs.ValueKind == JsonValueKind.Object)
                {
                    _logProbs.AddRange(logProbs.GetProperty("token_logprobs").EnumerateArray()
                        .Select(value => value.GetRawText()));
                }
            }

            if (json.TryGetProperty("usage", out var usage)
                && usage.ValueKind == JsonValueKind.Object)
            {
                _tokens = usage.GetProperty("completion_tokens").GetInt32();
            }
        }

        public LoadAnswer ToAnswer() =>
            new(_text.ToString(), _finish, _tokens, string.Join(' ', _logProbs));
    }
}
