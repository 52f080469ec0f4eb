using Hanbae.Kit;

namespace Hanbae.EndToEnd.Rig;

/// <summary>What of the machine these tests cannot do without. Nothing is installed here: the CI script does that.</summary>
static class Prerequisites
{
    static readonly string[] Programs = ["containerd", "runc", "nft", "ip", "busybox", "setsid"];
    static readonly string[] PluginFolders = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];

    /// <summary>The program under test: as named by HANBAE, or as built beside these tests.</summary>
    public static string Hanbae { get; } = Environment.GetEnvironmentVariable("HANBAE") is { Length: > 0 } named ? named
        : Path.Combine(Repository.Root, "src/Host/bin", Configuration, "net10.0/hanbae");

    /// <summary>Why there can be no cluster with a node; null when there can.</summary>
    public static string? MissingForNode { get; } =
        !Environment.IsPrivilegedProcess ? "needs root, since containers do"
        : Programs.FirstOrDefault(p => Program.Find(p) is null) is { } program ? $"needs {program}"
        : !PluginFolders.Any(f => File.Exists(Path.Combine(f, "bridge"))) ? "needs the CNI plugins"
        : MissingForControlPlane;

    /// <summary>Why there can be no cluster at all; null when there can.</summary>
    public static string? MissingForControlPlane =>
        !File.Exists(Hanbae) ? $"needs the program at {Hanbae}: build src/Host, or name it by HANBAE"
        : Kubectl.All.Count == 0 ? "needs kubectl in PATH"
        : null;

    internal static string Configuration => typeof(Prerequisites).Assembly.GetCustomAttributes(typeof(System.Reflection.AssemblyMetadataAttribute), false)
        .Cast<System.Reflection.AssemblyMetadataAttribute>().First(a => a.Key == "Configuration").Value!;
}

/// <summary>A test on real containers.</summary>
public sealed class NodeFactAttribute : FactAttribute
{
    public NodeFactAttribute() => Skip = Prerequisites.MissingForNode;
}

/// <summary>The same with several rows.</summary>
public sealed class NodeTheoryAttribute : TheoryAttribute
{
    public NodeTheoryAttribute() => Skip = Prerequisites.MissingForNode;
}

/// <summary>A test on real containers that answer: needs what their image is made of.</summary>
public sealed class ServantFactAttribute : FactAttribute
{
    public ServantFactAttribute() => Skip = Prerequisites.MissingForNode ?? (File.Exists("/usr/bin/python3") ? null : "needs /usr/bin/python3");
}

/// <summary>A test of the control plane alone, run as somebody who is not root.</summary>
public sealed class PlainUserFactAttribute : FactAttribute
{
    public PlainUserFactAttribute() => Skip = Prerequisites.MissingForControlPlane
        ?? (Environment.IsPrivilegedProcess && Program.Find("setpriv") is null ? "needs setpriv, to stop being root" : null);
}

/// <summary>As <see cref="ServantFactAttribute"/>, with cases.</summary>
public sealed class ServantTheoryAttribute : TheoryAttribute
{
    public ServantTheoryAttribute() => Skip = new ServantFactAttribute().Skip;
}
