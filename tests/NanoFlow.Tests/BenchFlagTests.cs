// How the words of a benchmark are read: other programs' names, and flags of several words.

using NanoFlow.Benchmarks;
using NanoFlow.Cli;
using NanoFlow.Commands;

namespace NanoFlow.Tests;

public sealed class BenchFlagTests
{
    [Fact]
    public void Goodput_SeveralWords_AreAllRead()
    {
        var given = Parse("http://h --goodput ttft:500 tpot:50 --num-prompts 3 --goodput e2el:9");

        Assert.Equal(
            ["ttft", "tpot", "e2el"],
            given.All(BenchServeFlags.Goodput).Select(objective => objective.Metric.Key));
        Assert.Equal(3, given.Get(LoadFlags.PromptCount, 0));
    }

    [Fact]
    public void Goodput_WordThatIsNone_IsNamed()
    {
        var refused = Assert.Throws<UsageException>(() => Parse("--goodput ttft:500 http://h"));

        Assert.StartsWith("--goodput: 'http://h' is not ttft:MS", refused.Message);
    }

    [Theory]
    [InlineData("--input-len 5", "--random-input-len 5")]
    [InlineData("--input-len=5", "--random-input-len=5")]
    public void Flag_ByItsOtherName_IsTheSame(string other, string name) => Assert.Equal(
        Parse("http://h " + name).Get(LoadFlags.InputLength, 0),
        Parse("http://h " + other).Get(LoadFlags.InputLength, 0));

    [Theory]
    [InlineData("inf", true)]
    [InlineData("trace", true)]
    [InlineData("0.5", true)]
    [InlineData("0", false)]
    [InlineData("-1", false)]
    [InlineData("1000001", false)]
    [InlineData("NaN", false)]
    [InlineData("fast", false)]
    public void Rate_Text_IsReadOrRefused(string text, bool isRate)
    {
        Assert.Equal(isRate, RequestRate.TryRead(text, out var rate));
        Assert.True(!isRate || rate.ToString() == text);
    }

    [Fact]
    public void Percentiles_List_IsSortedWithoutRepetition() => Assert.Equal(
        [1, 50, 99.9],
        LoadFlags.PercentilesOf(Parse("http://h --metric-percentiles 99.9,1,50,1")));

    [Theory]
    [InlineData("101")]
    [InlineData("50,,90")]
    [InlineData("-1")]
    [InlineData("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17")]
    public void Percentiles_OutOfRange_AreRefused(string list) => Assert.Throws<UsageException>(
        () => Parse("http://h --percentiles " + list));

    [Theory]
    [InlineData("{\"prompt\":[1]}")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"a\":\"\\ud800\"}")]
    public void ExtraBody_ThatWouldBreakTheRequest_IsRefused(string json) =>
        Assert.False(CompletionFields.TryReadExtra(json, out _));

    [Fact]
    public void Fields_ExtraBody_WinsOverOurOwn()
    {
        Assert.True(CompletionFields.TryReadExtra(
            "{\"temperature\":0.5,\"cache_prompt\":false}", out var extra));
        var fields = new CompletionFields("m", temperature: 0, ignoreEos: true, extra);

        Assert.Equal(
            "{\"model\":\"m\",\"ignore_eos\":true,\"stream\":true,"
            + "\"stream_options\":{\"include_usage\":true},\"temperature\":0.5,"
            + "\"cache_prompt\":false,\"max_tokens\":4,\"prompt\":[1,2]}",
            System.Text.Encoding.UTF8.GetString(fields.Write([1, 2], 4).Span));
    }

    private static Given Parse(string words) =>
        CommandLine.Parse(BenchServeCommand.Command, words.Split(' '), _ => null);
}
