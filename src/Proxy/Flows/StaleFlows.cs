using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Machinery.Nodes;
using Hanbae.Proxy.Rules;

namespace Hanbae.Proxy.Flows;

/// <summary>Ends UDP flows to who no longer serves: a client that goes on sending from one port would be led there for ever, since rules are asked of a flow's first datagram only.</summary>
internal sealed class StaleFlows(IpFamily family)
{
    readonly Dictionary<Key, UdpService[]> _services = [];
    bool _dirty = true;

    public void Set(Key key, Service? service, IEnumerable<EndpointSlice> slices)
    {
        UdpService[] now = service is not null && ServiceTable.Serves(service) ? [.. UdpService.Of(service, slices, family)] : [];
        if (now.SequenceEqual(_services.GetValueOrDefault(key) ?? [])) return;
        if (now.Length == 0) _services.Remove(key); else _services[key] = now;
        _dirty = true;
    }

    /// <summary>To be called once the kernel has the rules: what it begins from then on is right.</summary>
    /// <exception cref="IOException">The kernel's flows cannot be seen.</exception>
    public async Task EndAsync(CancellationToken ct)
    {
        if (!_dirty) return;
        if (_services.Count > 0)
        {
            string listing = await RunAsync(["-L", "-p", "udp", "-f", FamilyName], ct);
            foreach (var flow in Stale(listing, Own())) await RunAsync(Ending(flow), ct);
        }
        _dirty = false;
    }

    /// <summary>Of the kernel's flows those to our Services that somebody answers who does not serve there, or nobody.</summary>
    /// <param name="own">Addresses of this node: only there node ports are ours.</param>
    internal IEnumerable<UdpFlow> Stale(string listing, IReadOnlySet<string> own)
    {
        Dictionary<(string, int), HashSet<(string, int)>> servers = [];
        foreach (var port in _services.Values.SelectMany(s => s))
        {
            foreach (var at in port.Addresses) Serve(at, port);
            if (port.NodePort > 0) Serve(("", port.NodePort), port);
        }
        return listing.Split('\n').Select(UdpFlow.Parse).OfType<UdpFlow>().Distinct().Where(f =>
            (servers.TryGetValue((f.Address, f.Port), out var serving) || (own.Contains(f.Address) && servers.TryGetValue(("", f.Port), out serving))) && !serving!.Contains((f.Server, f.ServerPort)));

        // Two Services may have one external address.
        void Serve((string, int) at, UdpService port)
        {
            if (!servers.TryGetValue(at, out var all)) servers[at] = all = [];
            all.UnionWith(port.Servers);
        }
    }

    internal string[] Ending(UdpFlow flow) =>
    [
        "-D", "-p", "udp", "-f", FamilyName, "--orig-dst", flow.Address, "--dport", Text(flow.Port), "--reply-src", flow.Server, "--reply-port-src", Text(flow.ServerPort),
    ];

    string FamilyName => family.Family == AddressFamily.InterNetworkV6 ? "ipv6" : "ipv4";

    static string Text(int n) => n.ToString(CultureInfo.InvariantCulture);

    HashSet<string> Own() =>
    [
        .. LocalInterfaces.All().SelectMany(i => i.Properties.UnicastAddresses).Select(a => a.Address)
            .Where(a => a.AddressFamily == family.Family && !IPAddress.IsLoopback(a)).Select(a => new IPAddress(a.GetAddressBytes()).ToString()),
    ];

    static async Task<string> RunAsync(string[] arguments, CancellationToken ct)
    {
        Process? started;
        try { started = Process.Start(new ProcessStartInfo("conntrack", arguments) { RedirectStandardError = true, RedirectStandardOutput = true }); }
        catch (Win32Exception e) { throw new IOException("conntrack cannot be started: " + e.Message, e); }
        using var conntrack = started ?? throw new IOException("conntrack cannot be started");
        var error = conntrack.StandardError.ReadToEndAsync(ct);
        string said = await conntrack.StandardOutput.ReadToEndAsync(ct);
        await conntrack.WaitForExitAsync(ct);
        string complaint = await error;
        // That it found none is no failure: the flow may have ended by itself.
        if (conntrack.ExitCode != 0 && !complaint.Contains("0 flow entries", StringComparison.Ordinal)) throw new IOException(complaint.Trim());
        return said;
    }
}
