using System.Globalization;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Volumes.Disk;

namespace Hanbae.Kubelet.Volumes.Remote;

/// <summary>Disks by iSCSI: found, logged in to and let go of by <c>iscsiadm</c>; by several portals there are several ways to one disk, which multipath makes one.</summary>
sealed class IscsiPlugin(VolumeContext context, ProgramMounts mounts) : DiskPlugin(context, mounts)
{
    /// <summary>As upstream: two ways will do when the others do not come in the second round; with one only, five rounds are made.</summary>
    const int EnoughPaths = 2, EnoughRounds = 2, MostRounds = 5;
    static readonly string[] s_discovery = ["discovery.sendtargets.auth.username", "discovery.sendtargets.auth.password", "discovery.sendtargets.auth.username_in", "discovery.sendtargets.auth.password_in"];
    static readonly string[] s_session = ["node.session.auth.username", "node.session.auth.password", "node.session.auth.username_in", "node.session.auth.password_in"];

    /// <summary>Disks of one target are logged in to and out of one after the other.</summary>
    readonly Turns _targets = new();

    public override string Name => "kubernetes.io/iscsi";

    public override bool Serves(Volume volume) => volume.Iscsi is not null;

    public override bool Serves(PersistentVolumeSpec spec) => spec.Iscsi is not null;

    protected override WantedDisk Wanted(RemoteWish wish)
    {
        var (main, more, iqn, lun, iface, fsType, readOnly, initiator) = wish.Inline?.Iscsi is { } i
            ? (i.TargetPortal, i.Portals, i.Iqn, i.Lun, i.IscsiInterface, i.FsType, i.ReadOnly, i.InitiatorName)
            : wish.Persistent!.Iscsi is { } p ? (p.TargetPortal, p.Portals, p.Iqn, p.Lun, p.IscsiInterface, p.FsType, p.ReadOnly, p.InitiatorName) : throw new InvalidOperationException();
        string[] portals = [.. more.Prepend(main).Select(WithPort).Distinct()];
        if (iface.Length == 0) iface = "default";
        string own = initiator is { Length: > 0 } ? $"{portals[0]}:{wish.Name}" : iface;
        return new($"{portals[0]}-{iqn}-lun-{lun}-{own}", readOnly, fsType, new Dictionary<string, string>
        {
            ["portals"] = string.Join(' ', portals), ["iqn"] = iqn, ["lun"] = lun.ToString(CultureInfo.InvariantCulture), ["iface"] = own, ["baseIface"] = iface, ["initiator"] = initiator ?? "",
        });
    }

    static string WithPort(string portal) => portal.LastIndexOf(':') > portal.LastIndexOf(']') ? portal : portal + ":3260";

    protected override Task<string> AttachAsync(RemoteWish wish, WantedDisk disk, CancellationToken ct)
    {
        Programs.Need("iscsiadm", "iSCSI", "open-iscsi (or iscsi-initiator-utils)");
        return _targets.AloneAsync(disk.How["iqn"], () => LogInAsync(wish, disk.How, ct), ct);
    }

    async Task<string> LogInAsync(RemoteWish wish, IReadOnlyDictionary<string, string> how, CancellationToken ct)
    {
        var chap = await ChapAsync(wish, ct).ConfigureAwait(false);
        string transport = await InterfaceAsync(how, ct).ConfigureAwait(false);
        string[] portals = how["portals"].Split(' ');
        Dictionary<string, string> paths = [];
        string trouble = "";
        for (int round = 1; round <= MostRounds; round++)
        {
            foreach (string portal in portals.Where(p => !paths.ContainsKey(p)))
                try { paths[portal] = await PathAsync(how, portal, transport, chap, ct).ConfigureAwait(false); }
                catch (VolumeException e) { trouble = e.Message; }
            if (paths.Count == 0)
            {
                if (how["initiator"].Length > 0) await RunAsync(["-m", "iface", "-I", how["iface"], "-o", "delete"], ct).ConfigureAwait(false);
                throw new VolumeException($"failed to get any path for iscsi disk, last err seen:\n{trouble}");
            }
            if (paths.Count == portals.Length || (paths.Count >= EnoughPaths && round >= EnoughRounds)) break;
        }
        string[] devices = [.. paths.OrderBy(p => Array.IndexOf(portals, p.Key)).Select(p => p.Value)];
        string? multipath = await AppearsAsync(() => devices.Select(Multipath).FirstOrDefault(d => d is not null), portals.Length > 1 ? Programs.Options.DevicePatience : TimeSpan.Zero, ct).ConfigureAwait(false);
        return multipath ?? devices[0];
    }

    /// <summary>One way to the disk.</summary>
    async Task<string> PathAsync(IReadOnlyDictionary<string, string> how, string portal, string transport, Chap chap, CancellationToken ct)
    {
        string iqn = how["iqn"], iface = how["iface"], lun = how["lun"];
        if (Sessions(iqn).All(s => s.Portal != portal))
        {
            string[] discovery = ["-m", "discoverydb", "-t", "sendtargets", "-p", portal, "-I", iface], node = ["-m", "node", "-p", portal, "-T", iqn, "-I", iface];
            await RunAsync([.. discovery, "-o", "new"], ct).ConfigureAwait(false); // may be there
            if (chap.Discovery) await SecureAsync(discovery, "discovery.sendtargets.auth.authmethod", s_discovery, chap, "discoverydb", ct).ConfigureAwait(false);
            var found = await RunAsync([.. discovery, "--discover"], ct).ConfigureAwait(false);
            if (found.Failed)
            {
                await RunAsync([.. discovery, "-o", "delete"], ct).ConfigureAwait(false);
                throw new VolumeException($"iscsi: failed to sendtargets to portal {portal} output: {chap.Hidden(found.Output)}, err exit status {found.Code}");
            }
            if (chap.Session) await SecureAsync(node, "node.session.auth.authmethod", s_session, chap, "node", ct).ConfigureAwait(false);
            var login = await RunAsync([.. node, "--login"], ct).ConfigureAwait(false);
            if (login.Failed)
            {
                await RunAsync([.. node, "-o", "delete"], ct).ConfigureAwait(false);
                throw new VolumeException($"iscsi: failed to attach disk: Error: {chap.Hidden(login.Output)} (exit status {login.Code})");
            }
            // A machine that starts again must not wait for it.
            await RunAsync(["-m", "node", "-p", portal, "-T", iqn, "-o", "update", "-n", "node.startup", "-v", "manual"], ct).ConfigureAwait(false);
        }
        foreach (var session in Sessions(iqn).Where(s => s.Portal == portal)) Tell(Path.Combine(Programs.Options.Sys, "class/scsi_host", session.Host, "scan"), $"0 0 {lun}");
        string folder = Path.Combine(Programs.Options.Dev, "disk/by-path"), tail = $"ip-{portal}-iscsi-{iqn}-lun-{lun}";
        return await AppearsAsync(() => transport == "tcp" ? Existing(Path.Combine(folder, tail))
            : Directory.Exists(folder) ? Directory.EnumerateFileSystemEntries(folder, "pci-*-" + tail).FirstOrDefault() : null, Programs.Options.DevicePatience, ct).ConfigureAwait(false)
            ?? throw new VolumeException($"Could not attach disk: Timeout after {Programs.Options.DevicePatience.TotalSeconds:0}s");
    }

    static string? Existing(string path) => Native.Status(path, follow: true) is not null ? path : null;

    async Task<string?> AppearsAsync(Func<string?> look, TimeSpan patience, CancellationToken ct)
    {
        for (var left = patience; ; left -= TimeSpan.FromSeconds(1))
        {
            if (look() is { } there) return there;
            if (left <= TimeSpan.Zero) return null;
            await Task.Delay(TimeSpan.FromSeconds(1), Context.Time, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Makes an interface with a name of its own where this side is to have one.</summary>
    /// <returns>What the interface goes over.</returns>
    async Task<string> InterfaceAsync(IReadOnlyDictionary<string, string> how, CancellationToken ct)
    {
        var shown = await RunAsync(["-m", "iface", "-I", how["baseIface"], "-o", "show"], ct).ConfigureAwait(false);
        if (shown.Failed) throw new VolumeException($"iscsi: failed to show iface records: {shown.Output} (exit status {shown.Code})");
        Dictionary<string, string> settings = [];
        string transport = "";
        foreach (string line in shown.Output.Split('\n'))
            if (line.Split(" = ") is [var name, var value] && name.StartsWith("iface.", StringComparison.Ordinal))
            {
                if (name == "iface.transport_name") transport = value.Trim() == "<empty>" ? "tcp" : value.Trim();
                if (value.Trim() != "<empty>" && name != "iface.iscsi_ifacename") settings[name] = value.Trim();
            }
        if (transport.Length == 0) throw new VolumeException($"Could not parse iface file for {how["baseIface"]}");
        if (how["initiator"].Length == 0) return transport;
        settings["iface.initiatorname"] = how["initiator"];
        var made = await RunAsync(["-m", "iface", "-I", how["iface"], "-o", "new"], ct).ConfigureAwait(false);
        const int exists = 15;
        if (made.Code is not (0 or exists)) throw new VolumeException($"iscsi: failed to create new iface: {made.Output} (exit status {made.Code})");
        foreach (var (name, value) in settings)
        {
            var set = await RunAsync(["-m", "iface", "-I", how["iface"], "-o", "update", "-n", name, "-v", value], ct).ConfigureAwait(false);
            if (set.Failed) throw new VolumeException($"iscsi: failed to update iface records: {set.Output} (exit status {set.Code}). iface({how["iface"]}) will be used");
        }
        return transport;
    }

    /// <remarks>The program takes them by its command line and in no other way; they stand in no message.</remarks>
    async Task SecureAsync(string[] record, string method, string[] keys, Chap chap, string what, CancellationToken ct)
    {
        foreach (var (name, value) in keys.Where(chap.Secrets.ContainsKey).Select(k => (k, chap.Secrets[k])).Prepend((method, "CHAP")))
        {
            var run = await RunAsync([.. record, "-o", "update", "-n", name, "-v", value], ct).ConfigureAwait(false);
            if (run.Failed) throw new VolumeException($"iscsi: failed to update {what} key \"{name}\" error: {chap.Hidden(run.Output)}");
        }
    }

    async Task<Chap> ChapAsync(RemoteWish wish, CancellationToken ct)
    {
        var (discovery, session, ns, name) = wish.Inline?.Iscsi is { } i ? (i.ChapAuthDiscovery, i.ChapAuthSession, wish.Namespace, i.SecretRef?.Name)
            : wish.Persistent!.Iscsi is { } p ? (p.ChapAuthDiscovery, p.ChapAuthSession, p.SecretRef?.Namespace is { Length: > 0 } own ? own : wish.Namespace, p.SecretRef?.Name) : default;
        if (!discovery && !session) return new(false, false, new Dictionary<string, string>());
        if (name is not { Length: > 0 }) throw new VolumeException("CHAP enabled but secret name is empty");
        var secret = await RemoteWish.SecretAsync(Context, ns!, name, ct).ConfigureAwait(false);
        return new(discovery, session, secret.Data.Where(d => d.Value.Length > 0).ToDictionary(d => d.Key, d => d.Value.ToText()));
    }

    protected override Task DetachAsync(IReadOnlyDictionary<string, string> how, Func<IEnumerable<IReadOnlyDictionary<string, string>>> others, CancellationToken ct) => _targets.AloneAsync(how["iqn"], async () =>
    {
        string iqn = how["iqn"], iface = how["iface"];
        if (Programs.Find("iscsiadm") is null && !Sessions(iqn).Any()) return; // it never came to a login
        await RemoveAsync(Disks(iqn).Where(d => d.Lun == how["lun"]).Select(d => d.Name).Distinct(), ct).ConfigureAwait(false);
        // Others on the same target: whoever is last logs out.
        if (others().Any(o => o["iqn"] == iqn && o["iface"] == iface)) return;
        foreach (string portal in how["portals"].Split(' '))
        {
            await RunAsync(["-m", "node", "-p", portal, "-T", iqn, "-I", iface, "--logout"], ct).ConfigureAwait(false);
            await RunAsync(["-m", "node", "-p", portal, "-T", iqn, "-I", iface, "-o", "delete"], ct).ConfigureAwait(false);
        }
        if (how["initiator"].Length > 0) await RunAsync(["-m", "iface", "-I", iface, "-o", "delete"], ct).ConfigureAwait(false);
    }, ct);

    Task<ProgramRun> RunAsync(IEnumerable<string> arguments, CancellationToken ct) => Programs.RunAsync("iscsiadm", arguments, ct);

    /// <summary>Sessions with the target, as the kernel shows them: by which portal, and which SCSI host each is.</summary>
    IEnumerable<(string Portal, string Host, string Folder)> Sessions(string iqn)
    {
        string hosts = Path.Combine(Programs.Options.Sys, "class/iscsi_host");
        if (!Directory.Exists(hosts)) yield break;
        foreach (string host in Directory.EnumerateDirectories(hosts))
            foreach (string session in Folders(Path.Combine(host, "device"), "session*"))
            {
                string name = Path.GetFileName(session);
                if (Text(Path.Combine(session, "iscsi_session", name, "targetname")) != iqn) continue;
                foreach (string connection in Folders(session, "connection*"))
                {
                    string at = Path.Combine(connection, "iscsi_connection", Path.GetFileName(connection)), address = Text(Path.Combine(at, "persistent_address"));
                    yield return ($"{(address.Contains(':') ? $"[{address}]" : address)}:{Text(Path.Combine(at, "persistent_port"))}", Path.GetFileName(host), session);
                }
            }
    }

    /// <summary>SCSI disks of the target, by name and number.</summary>
    IEnumerable<(string Name, string Lun)> Disks(string iqn) =>
        from session in Sessions(iqn).DistinctBy(s => s.Folder)
        from target in Folders(session.Folder, "target*")
        from unit in Folders(target, "*:*:*:*")
        from disk in Folders(Path.Combine(unit, "block"), "*")
        select (Path.GetFileName(disk), Path.GetFileName(unit).Split(':')[3]);

    static IEnumerable<string> Folders(string folder, string pattern) => Directory.Exists(folder) ? Directory.EnumerateDirectories(folder, pattern) : [];

    static string Text(string file) => File.Exists(file) ? File.ReadAllText(file).Trim() : "";

    /// <summary>Who this side says it is.</summary>
    sealed record Chap(bool Discovery, bool Session, IReadOnlyDictionary<string, string> Secrets)
    {
        /// <summary>What a program said, without what it was told in confidence.</summary>
        public string Hidden(string output) => Secrets.Values.Where(v => v.Length > 0).OrderByDescending(v => v.Length).Aggregate(output, (said, secret) => said.Replace(secret, "***", StringComparison.Ordinal));
    }
}
