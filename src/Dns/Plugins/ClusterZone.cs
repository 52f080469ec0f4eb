using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Client;
using Hanbae.Dns.Wire;

namespace Hanbae.Dns.Plugins;

/// <summary>The cluster's own names, as the Kubernetes DNS specification 1.1.0 has them: Services, their endpoints, Pods by address.</summary>
/// <remarks>Answers come straight from the informers' caches by key and index; nothing is kept here.</remarks>
internal sealed class ClusterZone : IPlugin
{
    const string ServiceName = "kubernetes.io/service-name", ByService = "dns/service", ByAddress = "dns/address";

    readonly ICache<Service> _services;
    readonly ICache<EndpointSlice> _slices;
    readonly ICache<Namespace> _namespaces;
    readonly string _domain;
    readonly uint _ttl;

    public ClusterZone(IClusterAccess cluster, DnsOptions options)
    {
        (_domain, _ttl) = (options.Domain, options.TtlSeconds);
        _services = cluster.Cache<Service>();
        _slices = cluster.Cache<EndpointSlice>();
        _namespaces = cluster.Cache<Namespace>();
        _services.AddIndex(ByAddress, s => s.Spec.ClusterIPs.Concat([s.Spec.ClusterIP]).Where(a => a is not ("" or "None")).Distinct());
        _slices.AddIndex(ByService, s => s.Metadata.Labels.TryGet(ServiceName, out string? name) ? [s.Metadata.Namespace + "/" + name] : []);
        _slices.AddIndex(ByAddress, s => s.Endpoints.SelectMany(e => e.Addresses).Distinct());
    }

    public Task WhenReadyAsync(CancellationToken ct) =>
        Task.WhenAll(_services.WhenSyncedAsync(ct), _slices.WhenSyncedAsync(ct), _namespaces.WhenSyncedAsync(ct));

    public ValueTask<Answer?> AnswerAsync(Query query, CancellationToken ct) => new(Answer(query.Question));

    Answer? Answer(Question q)
    {
        if (ReverseName.Parse(q.Name) is { } address) return Reverse(q, address);
        if (q.Name != _domain && !q.Name.EndsWith("." + _domain, StringComparison.Ordinal)) return null;
        string[] labels = q.Name == _domain ? [] : q.Name[..^(_domain.Length + 1)].Split('.');
        Array.Reverse(labels);
        var found = labels switch
        {
            [] => q.Type == RecordType.Ns ? [new(_domain, RecordType.Ns, _ttl, new RecordData.Alias(Server))] : Exists(q.Type == RecordType.Soa ? Soa() : null),
            ["dns", "ns"] => [.. NameServers()],
            ["dns-version"] => Exists(new(q.Name, RecordType.Txt, _ttl, new RecordData.Text("1.1.0"))),
            ["svc"] or ["pod"] => Exists(null),
            ["svc" or "pod", var ns] => _namespaces.Find(new("", ns)) is null ? null : Exists(null),
            ["svc", var ns, .. var rest] => InService(q, ns, rest),
            ["pod", var ns, var ip] => _namespaces.Find(new("", ns)) is null ? null : Dashed(ip) is { } a ? [AddressRecord(q.Name, a)] : null,
            _ => null,
        };
        if (found is null) return new(ResponseCode.NameError, [], [Soa()], []);
        var records = found.Value.Where(r => r.Type == q.Type || r.Type == RecordType.Cname || q.Type == RecordType.Any).ToImmutableArray();
        return records.IsEmpty ? new(ResponseCode.NoError, [], [Soa()], []) : new(ResponseCode.NoError, records, [], Glue(records));
    }

    /// <summary>All records of a name below a Service's namespace, of whatever type; null when there is no such name.</summary>
    ImmutableArray<Record>? InService(Question q, string ns, string[] rest)
    {
        if (_services.Find(new(ns, rest[0])) is not { } service) return null;
        if (service.Spec.Type == "ExternalName")
            return rest.Length == 1 ? [new(q.Name, RecordType.Cname, _ttl, new RecordData.Alias(service.Spec.ExternalName.TrimEnd('.')))] : null;
        bool headless = service.Spec.ClusterIP is "None";
        string own = $"{rest[0]}.{ns}.svc.{_domain}";
        switch (rest)
        {
            case [_]:
                return headless ? NullIfEmpty([.. Endpoints(service).Select(e => AddressRecord(q.Name, e.Address)).Distinct(), .. Ports(service, own, null, null)])
                    : [.. ClusterIps(service).Select(a => AddressRecord(q.Name, a)), .. Ports(service, own, null, null)];
            case [_, var protocol and ("_tcp" or "_udp" or "_sctp")]:
                return Ports(service, own, protocol[1..], null) is { IsEmpty: false } some ? Exists(null) : null;
            case [_, var protocol and ("_tcp" or "_udp" or "_sctp"), ['_', .. var port]]:
                return NullIfEmpty(Ports(service, own, protocol[1..], port));
            case [_, var host]:
                return NullIfEmpty([.. Endpoints(service).Where(e => e.Host == host).Select(e => AddressRecord(q.Name, e.Address)).Distinct()]);
            default: return null;
        }
    }

    /// <summary>SRV records: to the Service itself, or to each endpoint of a headless one.</summary>
    ImmutableArray<Record> Ports(Service service, string own, string? protocol, string? port)
    {
        var records = ImmutableArray.CreateBuilder<Record>();
        bool Asked(string name, string proto) => (protocol is null || proto.Equals(protocol, StringComparison.OrdinalIgnoreCase)) && (port is null || name == port);
        void Add(string name, string proto, int number, string target)
        {
            string at = port is null ? own : $"_{name}._{proto.ToLowerInvariant()}.{own}";
            var record = new Record(at, RecordType.Srv, _ttl, new RecordData.Service(0, 100, (ushort)number, target));
            // An endpoint may be in two slices while it moves.
            if (!records.Contains(record)) records.Add(record);
        }
        if (service.Spec.ClusterIP != "None")
        {
            foreach (var p in service.Spec.Ports) if (Asked(p.Name, p.Protocol)) Add(p.Name, p.Protocol, p.Port, own);
        }
        else foreach (var endpoint in Endpoints(service))
            foreach (var p in endpoint.Slice.Ports)
                if (p.Port is { } number && Asked(p.Name ?? "", p.Protocol ?? "TCP")) Add(p.Name ?? "", p.Protocol ?? "TCP", number, endpoint.Host + "." + own);
        // Equal shares of 100, as upstream's server has it.
        ushort share = (ushort)Math.Max(1, 100 / Math.Max(1, records.Count));
        return [.. records.Select(r => r with { Data = (RecordData.Service)r.Data with { Weight = share } })];
    }

    /// <summary>Addresses of SRV targets, so that the asker need not ask again.</summary>
    ImmutableArray<Record> Glue(ImmutableArray<Record> records) =>
        [.. records.Select(r => r.Data).OfType<RecordData.Service>().Select(s => s.Target).Distinct()
            .SelectMany(t => Answer(new(t, t, RecordType.A))?.Records ?? [])];

    Answer? Reverse(Question q, IPAddress address)
    {
        string text = address.ToString();
        var names = _services.ByIndex(ByAddress, text).Select(s => $"{s.Metadata.Name}.{s.Metadata.Namespace}.svc.{_domain}").ToList();
        foreach (var slice in _slices.ByIndex(ByAddress, text))
            if (slice.Metadata.Labels.TryGet(ServiceName, out string? service))
                foreach (var e in slice.Endpoints)
                    if ((e.Conditions.Ready ?? true) && e.Addresses.Contains(text)) names.Add($"{HostOf(e, text)}.{service}.{slice.Metadata.Namespace}.svc.{_domain}");
        // Addresses of others are others' to name.
        return names.Count == 0 ? null : Wire.Answer.Of([.. names.Distinct().Order(StringComparer.Ordinal).Select(n => new Record(q.Name, RecordType.Ptr, _ttl, new RecordData.Alias(n)))]);
    }

    IEnumerable<(string Host, IPAddress Address, EndpointSlice Slice)> Endpoints(Service service)
    {
        foreach (var slice in _slices.ByIndex(ByService, Key.Of(service).ToString()))
            foreach (var e in slice.Endpoints)
                if (e.Conditions.Ready ?? true)
                    foreach (string text in e.Addresses)
                        if (IPAddress.TryParse(text, out var address)) yield return (HostOf(e, text), address, slice);
    }

    static string HostOf(Endpoint e, string address) => e.Hostname is { Length: > 0 } name ? name : address.Replace('.', '-').Replace(':', '-');

    static IEnumerable<IPAddress> ClusterIps(Service service) =>
        service.Spec.ClusterIPs.Concat([service.Spec.ClusterIP]).Distinct().Select(a => IPAddress.TryParse(a, out var ip) ? ip : null).OfType<IPAddress>();

    Record AddressRecord(string name, IPAddress address) =>
        new(name, address.AddressFamily == AddressFamily.InterNetwork ? RecordType.A : RecordType.Aaaa, _ttl, new RecordData.Address(address));

    /// <summary><c>10-244-0-5</c>, or an IPv6 address with its colons dashed.</summary>
    static IPAddress? Dashed(string label) =>
        label.Count(c => c == '-') == 3 && IPAddress.TryParse(label.Replace('-', '.'), out var v4) && v4.AddressFamily == AddressFamily.InterNetwork ? v4
        : IPAddress.TryParse(label.Replace('-', ':'), out var v6) && v6.AddressFamily == AddressFamily.InterNetworkV6 ? v6 : null;

    Record Soa() => new(_domain, RecordType.Soa, _ttl, new RecordData.Authority(Server, "hostmaster." + _domain, 1, _ttl));

    /// <summary>The name of this server, which has the addresses of its Service.</summary>
    string Server => "ns.dns." + _domain;

    IEnumerable<Record> NameServers() => _services.Find(new("kube-system", "kube-dns")) is { } own ? ClusterIps(own).Select(a => AddressRecord(Server, a)) : [];

    static ImmutableArray<Record> Exists(Record? record) => record is { } r ? [r] : [];
    static ImmutableArray<Record>? NullIfEmpty(ImmutableArray<Record> records) => records.IsEmpty ? null : records;
}
