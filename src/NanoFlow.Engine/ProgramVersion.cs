using System.Reflection;

namespace NanoFlow.Engine;

/// <summary>The version of this program: what was measured with another one does not
/// hold.</summary>
public static class ProgramVersion
{
    /// <summary>E.g. "0.1.0", without the commit that a build may add after a plus sign.</summary>
    public static string Text { get; } = typeof(ProgramVersion).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
        .InformationalVersion.Split('+')[0];
}
