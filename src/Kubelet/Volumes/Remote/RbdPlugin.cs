using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Block devices of Ceph, by the kernel's client. Upstream gave its driver up in 1.31; manifests that have such volumes go on working here.</summary>
sealed class RbdPlugin(VolumeContext context, ProgramMounts mounts) : DiskPlugin(context, mounts)
{
    public override string Name => "kubernetes.io/rbd";

    public override bool Serves(Volume volume) => volume.Rbd is not null;

    public override bool Serves(PersistentVolumeSpec spec) => spec.Rbd is not null;

    protected override WantedDisk Wanted(RemoteWish wish)
    {
        var (monitors, image, pool, user, keyring, fsType, readOnly) = wish.Inline?.Rbd is { } i ? (i.Monitors, i.Image, i.Pool, i.User, i.Keyring, i.FsType, i.ReadOnly)
            : wish.Persistent!.Rbd is { } p ? (p.Monitors, p.Image, p.Pool, p.User, p.Keyring, p.FsType, p.ReadOnly) : throw new InvalidOperationException();
        if (pool.Length == 0) pool = "rbd";
        return new($"{string.Join(',', monitors)}/{pool}/{image}", readOnly, fsType, new Dictionary<string, string>
        {
            ["monitors"] = string.Join(',', monitors), ["pool"] = pool, ["image"] = image, ["user"] = user.Length > 0 ? user : "admin", ["keyring"] = keyring.Length > 0 ? keyring : "/etc/ceph/keyring",
        });
    }

    protected override async Task<string> AttachAsync(RemoteWish wish, WantedDisk disk, CancellationToken ct)
    {
        if (Mapped(disk.How) is { } there) return there;
        Programs.Need("rbd", "RBD", "ceph-common");
        if (!Directory.Exists(Path.Combine(Programs.Options.Sys, "bus/rbd")) && Programs.Find("modprobe") is not null) await Programs.RunAsync("modprobe", ["rbd"], ct).ConfigureAwait(false);
        var (ns, name) = wish.Inline?.Rbd is { } i ? (wish.Namespace, i.SecretRef?.Name)
            : (wish.Persistent!.Rbd!.SecretRef?.Namespace is { Length: > 0 } own ? own : wish.Namespace, wish.Persistent.Rbd.SecretRef?.Name);
        using var secret = name is { Length: > 0 } ? new SecretFile((await RemoteWish.KeyAsync(Context, ns, name, ct).ConfigureAwait(false)).Span) : null;
        string image = disk.How["image"], pool = disk.How["pool"];
        string[] who = ["--pool", pool, "--id", disk.How["user"], "-m", disk.How["monitors"], .. secret is null ? (string[])["-k", disk.How["keyring"]] : ["--keyfile", secret.Path]];
        // Two nodes that write to one file system break it; who only reads, or shares knowingly, is let.
        if (!disk.ReadOnly && !(wish.Persistent?.AccessModes.Contains("ReadWriteMany") ?? false))
        {
            var status = await Programs.RunAsync("rbd", ["status", image, .. who], ct).ConfigureAwait(false);
            if (!status.Failed && status.Output.Contains("watcher=", StringComparison.Ordinal)) throw new VolumeException($"rbd image {pool}/{image} is still being used");
        }
        var map = await Programs.RunAsync("rbd", ["map", image, .. who, .. disk.ReadOnly ? (string[])["--read-only"] : []], ct).ConfigureAwait(false);
        if (map.Failed) throw new VolumeException($"rbd: map failed exit status {map.Code}, rbd output: {map.Output}");
        return Mapped(disk.How) ?? (map.Output.Split('\n').Select(l => l.Trim()).LastOrDefault(l => l.StartsWith(Programs.Options.Dev + "/", StringComparison.Ordinal))
            ?? throw new VolumeException("rbd: map failed: the device did not appear"));
    }

    protected override async Task DetachAsync(IReadOnlyDictionary<string, string> how, Func<IEnumerable<IReadOnlyDictionary<string, string>>> others, CancellationToken ct)
    {
        if (Mapped(how) is not { } device) return;
        Programs.Need("rbd", "RBD", "ceph-common");
        var run = await Programs.RunAsync("rbd", ["unmap", device], ct).ConfigureAwait(false);
        if (run.Failed) throw new VolumeException($"rbd: failed to unmap device {device}, error exit status {run.Code}, rbd output: {run.Output}");
    }

    /// <summary>The device of the image, as the kernel shows it; null when it is not here.</summary>
    string? Mapped(IReadOnlyDictionary<string, string> how)
    {
        string devices = Path.Combine(Programs.Options.Sys, "bus/rbd/devices");
        if (!Directory.Exists(devices)) return null;
        foreach (string device in Directory.EnumerateDirectories(devices))
            if (Text(device, "pool") == how["pool"] && Text(device, "name") == how["image"]) return Path.Combine(Programs.Options.Dev, "rbd" + Path.GetFileName(device));
        return null;
    }

    static string Text(string folder, string file) => Path.Combine(folder, file) is var path && File.Exists(path) ? File.ReadAllText(path).Trim() : "";
}
