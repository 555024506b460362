// What tokens are called in log-probabilities: by the text they stand for, or by their ids, which
// tell tokens apart that read the same.

using System.Globalization;
using System.Text;
using NanoFlow.Server.Responses;
using NanoFlow.Tokenization;

namespace NanoFlow.Server.Generating;

internal sealed class TokenNames(Tokenizer tokenizer, bool byId)
{
    public TopLogProb Entry(int token, float logProb)
    {
        var bytes = tokenizer.TokenBytes(token).ToArray();
        var name = byId
            ? string.Create(CultureInfo.InvariantCulture, $"token_id:{token}")
            : Encoding.UTF8.GetString(bytes);
        return new TopLogProb(name, bytes, logProb);
    }

    /// <summary>Characters of the token's text, as Unicode counts them.</summary>
    public int LengthOf(int token)
    {
        var length = 0;
        foreach (var _ in Encoding.UTF8.GetString(tokenizer.TokenBytes(token)).EnumerateRunes())
        {
            length++;
        }

        return length;
    }
}
