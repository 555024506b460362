// Every numeric and typed field at the borders of its range. The expectations are written out here
// and not read from the server's own table.

namespace NanoFlow.Server.Tests;

public sealed class FieldRangeTests(EchoServer server) : IClassFixture<EchoServer>
{
    private static readonly string[] WrongTypes =
        ["\"1\"", "true", "[1]", "{}", "\"NaN\"", "\"Infinity\"", "1e999", "-1e999"];

    // Field, values that are taken, values that are not; for both APIs.
    private static readonly (string Field, string[] Good, string[] Bad)[] Shared =
    [
        ("temperature", ["0", "2", "1.5", "null"], ["-0.001", "2.001", "-1", "3"]),
        ("top_p", ["0.0001", "1", "null"], ["0", "1.001", "-1", "2"]),
        ("min_p", ["0", "1", "null"], ["-0.001", "1.001", "2"]),
        ("top_k", ["-1", "0", "1", "4194304", "null"], ["-2", "4194305", "1.5"]),
        ("n", ["1", "16", "null"], ["0", "-1", "17", "1.5", "16384"]),
        ("max_tokens", ["1", "8", "null"], ["0", "-1", "2147483648", "1.5"]),
        ("min_tokens", ["0", "1", "null"], ["-1", "2147483648", "0.5"]),
        (
            "seed",
            ["0", "-1", "9223372036854775807", "-9223372036854775808", "null"],
            ["9223372036854775808", "-9223372036854775809", "0.5"]),
        ("presence_penalty", ["-2", "2", "0", "null"], ["-2.001", "2.001"]),
        ("frequency_penalty", ["-2", "2", "0", "null"], ["-2.001", "2.001"]),
        ("repetition_penalty", ["0.01", "100", "null"], ["0", "0.009", "100.1", "-1"]),
    ];

    private static readonly (string Field, string[] Good, string[] Bad)[] CompletionOnly =
    [
        ("logprobs", ["0", "20", "null"], ["-1", "21", "0.5"]),
    ];

    private static readonly (string Field, string[] Good, string[] Bad)[] ChatOnly =
    [
        ("top_logprobs", ["0", "20", "null"], ["-1", "21", "0.5"]),
        ("max_completion_tokens", ["1", "8", "null"], ["0", "-1", "2147483648", "1.5"]),
    ];

    public static TheoryData<bool, string, string, bool> Cases()
    {
        var data = new TheoryData<bool, string, string, bool>();
        foreach (var (isChat, table) in new[] { (false, Shared), (true, Shared),
            (false, CompletionOnly), (true, ChatOnly) })
        {
            foreach (var (field, good, bad) in table)
            {
                good.ToList().ForEach(value => data.Add(isChat, field, value, true));
                bad.Concat(WrongTypes).ToList()
                    .ForEach(value => data.Add(isChat, field, value, false));
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Number_AtItsBorders_IsTakenOrRefusedByName(
        bool isChat, string field, string value, bool isGood)
    {
        var answer = await AskAsync(isChat, field, value);

        Assert.Equal(isGood ? 200 : 400, answer.Status);
        if (!isGood)
        {
            Assert.Equal(field, answer.Param);
            Assert.Equal("invalid_request_error", answer.Error.GetProperty("type").GetString());
        }
    }

    [Theory]
    [InlineData("stream")]
    [InlineData("ignore_eos")]
    [InlineData("include_stop_str_in_output")]
    [InlineData("echo")]
    public async Task Flag_OfAnotherType_IsRefusedByName(string field)
    {
        foreach (var value in (string[])["1", "\"true\"", "[]", "{}"])
        {
            var answer = await AskAsync(isChat: false, field, value);

            Assert.Equal(400, answer.Status);
            Assert.Equal(field, answer.Param);
        }
    }

    [Theory]
    [InlineData("stop", "1")]
    [InlineData("stop", "\"\"")]
    [InlineData("stop", "[1]")]
    [InlineData("stop", "[null]")]
    [InlineData("stop", "{}")]
    [InlineData("stop", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]")]
    [InlineData("stop_token_ids", "1")]
    [InlineData("stop_token_ids", "[-1]")]
    [InlineData("stop_token_ids", "[1024]")]
    [InlineData("stop_token_ids", "[\"1\"]")]
    [InlineData("logit_bias", "[]")]
    [InlineData("logit_bias", "{\"-1\":0}")]
    [InlineData("logit_bias", "{\"1024\":0}")]
    [InlineData("logit_bias", "{\"01\":0}")]
    [InlineData("logit_bias", "{\"x\":0}")]
    [InlineData("logit_bias", "{\"\":0}")]
    [InlineData("logit_bias", "{\"1\":100.1}")]
    [InlineData("logit_bias", "{\"1\":-100.1}")]
    [InlineData("logit_bias", "{\"1\":\"1\"}")]
    [InlineData("logit_bias", "{\"1\":1e999}")]
    [InlineData("stream_options", "{\"include_usage\":true}")]
    [InlineData("best_of", "2")]
    [InlineData("suffix", "\"x\"")]
    [InlineData("tools", "[{\"type\":\"function\"}]")]
    [InlineData("tool_choice", "\"auto\"")]
    [InlineData("response_format", "{}")]
    public async Task Field_OutOfItsRules_IsRefusedByName(string field, string value)
    {
        var answer = await AskAsync(isChat: false, field, value);

        Assert.Equal(400, answer.Status);
        Assert.Equal(field, answer.Param);
    }

    [Theory]
    [InlineData("stop", "[]")]
    [InlineData("stop_token_ids", "[]")]
    [InlineData("stop_token_ids", "[1023]")]
    [InlineData("logit_bias", "{\"0\":-100,\"1023\":100}")]
    [InlineData("tools", "[]")]
    [InlineData("tool_choice", "\"none\"")]
    [InlineData("response_format", "{\"type\":\"text\"}")]
    [InlineData("user", "\"somebody\"")]
    public async Task Field_WithinItsRules_IsTaken(string field, string value)
    {
        var answer = await AskAsync(isChat: false, field, value);

        Assert.Equal(200, answer.Status);
        Assert.False(answer.Headers.ContainsKey("x-ignored-params"));
    }

    [Theory]
    [InlineData(256, 200)]
    [InlineData(257, 400)]
    public async Task Stop_AtItsLongest_IsTaken(int length, int status)
    {
        var answer = await AskAsync(isChat: false, "stop", $"\"{new string('x', length)}\"");

        Assert.Equal(status, answer.Status);
    }

    [Theory]
    [InlineData(16, 200)]
    [InlineData(17, 400)]
    public async Task Stop_AtItsCount_IsTaken(int count, int status)
    {
        var list = string.Join(',', Enumerable.Range(0, count).Select(i => $"\"s{i}\""));
        var answer = await AskAsync(isChat: false, "stop", $"[{list}]");

        Assert.Equal(status, answer.Status);
    }

    [Theory]
    [InlineData(8, 16, 200)]
    [InlineData(9, 16, 400)]
    [InlineData(129, 1, 400)]
    public async Task Choices_AtTheirCount_AreTaken(int prompts, int n, int status)
    {
        var list = string.Join(',', Enumerable.Repeat("\"a\"", prompts));
        var answer = await server.CompleteAsync(
            $"\"prompt\":[{list}],\"n\":{n},\"max_tokens\":1");

        Assert.Equal(status, answer.Status);
    }

    [Theory]
    [InlineData("\"\"")]
    [InlineData("[]")]
    [InlineData("[[]]")]
    [InlineData("[\"\"]")]
    [InlineData("[\"a\",1]")]
    [InlineData("[1,\"a\"]")]
    [InlineData("[-1]")]
    [InlineData("[1024]")]
    [InlineData("[1.5]")]
    [InlineData("[[[1]]]")]
    [InlineData("5")]
    [InlineData("{}")]
    [InlineData("null")]
    public async Task Prompt_Unusable_IsRefusedByName(string prompt)
    {
        var answer = await server.CompleteAsync($"\"prompt\":{prompt}");

        Assert.Equal(400, answer.Status);
        Assert.Equal("prompt", answer.Param);
    }

    [Fact]
    public async Task Prompt_Missing_IsRefusedByName()
    {
        var answer = await server.CompleteAsync("\"max_tokens\":1");

        Assert.Equal(400, answer.Status);
        Assert.Equal("prompt", answer.Param);
    }

    [Fact]
    public async Task MinTokens_AboveMaxTokens_IsRefused()
    {
        var answer = await server.CompleteAsync(
            "\"prompt\":\"a\",\"max_tokens\":4,\"min_tokens\":5");

        Assert.Equal(400, answer.Status);
        Assert.Equal("min_tokens", answer.Param);
    }

    private Task<Answer> AskAsync(bool isChat, string field, string value)
    {
        // Short answers, unless their length is what is asked about.
        var limit = field is "max_tokens" or "max_completion_tokens" ? "" : "\"max_tokens\":2,";
        var flag = field == "top_logprobs" ? "\"logprobs\":true," : "";
        return isChat
            ? server.ChatAsync($"{limit}{flag}\"{field}\":{value}")
            : server.CompleteAsync($"\"prompt\":\"a\",{limit}\"{field}\":{value}");
    }
}
