using Hanbae.Api;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Where the node's own programs for storage are, and how long they may take.</summary>
public sealed record ProgramOptions
{
    /// <summary>Where programs are looked for, in this order.</summary>
    public Seq<string> Folders { get; init; } =
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]).Where(f => f.StartsWith('/')).Distinct().ToSeq();
    /// <summary>After so long a helper is ended; one that the kernel holds on to is left alone, and nobody waits for it.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(2);
    /// <summary>For a look into a server's file system.</summary>
    public TimeSpan LookPatience { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>For each way of unmounting; upstream waits a minute before it uses force.</summary>
    public TimeSpan UnmountPatience { get; init; } = TimeSpan.FromMinutes(1);
    /// <summary>How long a disk may take to appear after it was attached, as upstream.</summary>
    public TimeSpan DevicePatience { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>Where FlexVolume's drivers are; upstream's <c>volumePluginDir</c>.</summary>
    public string FlexDrivers { get; init; } = "/usr/libexec/kubernetes/kubelet-plugins/volume/exec/";
    /// <summary>Where the kernel shows its devices.</summary>
    public string Dev { get; init; } = "/dev";
    /// <inheritdoc cref="Dev"/>
    public string Sys { get; init; } = "/sys";
}
