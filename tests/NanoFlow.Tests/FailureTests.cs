using System.Text;
using NanoFlow.Benchmarks;

namespace NanoFlow.Tests;

public sealed class FailureTests
{
    [Fact]
    public void Counts_ManyMessages_AreBoundedAndComplete()
    {
        var counts = new FailureCounts();
        for (var i = 0; i < 1000; i++)
        {
            counts.Add($"message {i}");
            counts.Add("often");
        }

        Assert.Equal(2000, counts.Total);
        Assert.Equal(2000, counts.ByCount().Sum(row => row.Count));
        Assert.InRange(counts.ByCount().Count, 2, LoadLimits.Messages + 1);
        Assert.Contains(("often", 1000), counts.ByCount());
    }

    [Fact]
    public void Message_FromAServer_IsOneShortLine()
    {
        var message = new RequestFailure("a\r\nb\u001b[31m" + new string('x', 1000)).Message;

        Assert.StartsWith("a  b [31m", message);
        Assert.Equal(LoadLimits.MessageLength, message.Length);
    }

    [Theory]
    [InlineData("""{"error":{"message":"m","type":"t"}}""", "m")]
    [InlineData("""{"object":"error","message":"m","code":400}""", "m")]
    [InlineData("""{"error":"m"}""", "m")]
    [InlineData("""{"detail":[{"x":1}]}""", """[{"x":1}]""")]
    [InlineData("""[1]""", "[1]")]
    [InlineData("<html>", "<html>")]
    [InlineData("""{"error":"\ud800"}""", """{"error":"\ud800"}""")]
    [InlineData("", "")]
    public void Text_OfAnErrorBody_IsItsMessage(string body, string expected) =>
        Assert.Equal(expected, ErrorText.Of(Encoding.UTF8.GetBytes(body)));
}
