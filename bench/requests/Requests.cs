using System.Text;
using Hanbae.Api.Rest;
using Hanbae.Server;

namespace Hanbae.Bench.Requests;

/// <summary>The requests that are measured, by name.</summary>
sealed class Requests(ApiServer server)
{
    const string Pods = "/api/v1/namespaces/load/pods", Leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    static readonly Identity s_admin = new("admin", ["system:masters", "system:authenticated"]);
    int _sequence;

    public async Task PrepareAsync()
    {
        await SendAsync("POST", "/api/v1/namespaces", """{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"load"}}"""u8.ToArray());
        await SendAsync("POST", "/api/v1/namespaces/load/serviceaccounts", """{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}}"""u8.ToArray());
        await SendAsync("POST", Leases, """{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"node-0"},"spec":{"holderIdentity":"node-0","leaseDurationSeconds":40}}"""u8.ToArray());
    }

    /// <param name="round">So that every write changes something.</param>
    public async ValueTask SendAsync(string op, int i, int round)
    {
        string pod = $"{Pods}/p-{i:D6}";
        switch (op)
        {
            case "create": await SendAsync("POST", Pods, Objects.Pod(i)); break;
            case "get": await SendAsync("GET", pod); break;
            case "patch": await SendAsync("PATCH", pod, Objects.Annotation("seq", ++_sequence), "application/merge-patch+json"); break;
            case "strategic": await SendAsync("PATCH", pod, Objects.Annotation("seq", ++_sequence), "application/strategic-merge-patch+json"); break;
            case "status": await SendAsync("PATCH", pod + "/status", Objects.PodStatus(round), "application/merge-patch+json"); break;
            case "apply": await SendAsync("PATCH", pod, Objects.Applied(i, round), "application/apply-patch+yaml", ("fieldManager", "bench")); break;
            case "update":
                // As a client does that changes what it read.
                string put = Encoding.UTF8.GetString(Objects.Pod(i)).Replace("\"tier\":\"web\"", $"\"tier\":\"r{round}\"", StringComparison.Ordinal)
                    .Replace("\"containers\"", "\"serviceAccountName\":\"default\",\"serviceAccount\":\"default\",\"containers\"", StringComparison.Ordinal);
                await SendAsync("PUT", pod, Encoding.UTF8.GetBytes(put));
                break;
            case "lease":
                await SendAsync("PATCH", Leases + "/node-0", Encoding.UTF8.GetBytes($$$$"""{"spec":{"renewTime":"2026-01-01T00:00:{{{{i % 60:D2}}}}.{{{{i % 1000000:D6}}}}Z"}}"""), "application/merge-patch+json");
                break;
            default: throw new ArgumentException($"no such operation: {op}");
        }
    }

    public async ValueTask UndoAsync(string op, int count)
    {
        if (op != "create") return;
        for (int i = 0; i < count; i++) await SendAsync("DELETE", $"{Pods}/p-{i:D6}", query: ("gracePeriodSeconds", "0"));
    }

    async ValueTask SendAsync(string method, string path, byte[]? body = null, string type = "application/json", params (string Name, string Value)[] query)
    {
        var reply = await server.Handler(new Sent(method, path, [.. query.Select(q => KeyValuePair.Create(q.Name, q.Value))], body, type) { User = s_admin });
        if (reply.Code >= 300) throw new InvalidOperationException($"{method} {path}: {reply.Code} {((reply as ObjectReply)?.Value as Api.Meta.V1.Status)?.Message}");
    }

    /// <summary>A request with a body of bytes: what is left of one when HTTP is taken away.</summary>
    sealed class Sent(string method, string path, IReadOnlyList<KeyValuePair<string, string>> query, byte[]? body, string type) : RequestContext(method, path, query, CancellationToken.None)
    {
        public override string RawTarget => Path;
        public override IEnumerable<KeyValuePair<string, string>> Headers => [];
        public override System.Security.Cryptography.X509Certificates.X509Certificate2? ClientCertificate => null;
        public override string RemoteAddress => "";
        /// <summary>Who it is is known.</summary>
        public override bool InProcess => true;
        public override string Header(string name) => name switch { "Content-Type" => type, "User-Agent" => "bench/1", "Accept" => "application/json", _ => "" };
        public override ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(CancellationToken ct) => new(body);
    }
}
