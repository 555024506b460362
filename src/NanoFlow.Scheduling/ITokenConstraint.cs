namespace NanoFlow.Scheduling;

/// <summary>Decides which tokens may follow, from the tokens before. Called on the engine thread;
/// must not block, and allocates only while it learns.</summary>
public interface ITokenConstraint
{
    /// <summary>A token was committed: called once for each, in order.</summary>
    void Append(int token);

    /// <summary>Writes which tokens may come next: bit t % 32 of word t / 32.</summary>
    void WriteMask(Span<uint> mask);
}
