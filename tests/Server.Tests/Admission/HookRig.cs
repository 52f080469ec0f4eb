using Hanbae.Server.Audit;
using Hanbae.Server.Auth;
using Hanbae.Server.Tests.Crd;

namespace Hanbae.Server.Tests.Admission;

/// <summary>A server with all of admission, where everybody may do everything, and a webhook that it can call.</summary>
public sealed class HookRig : IAsyncDisposable
{
    public const string Registration = "/apis/admissionregistration.k8s.io/v1/", Mutating = Registration + "mutatingwebhookconfigurations", Validating = Registration + "validatingwebhookconfigurations";
    public const string ConfigMaps = "/api/v1/namespaces/default/configmaps", Pods = "/api/v1/namespaces/default/pods";

    HookRig(CrdRig crd, HookServer hook, AuditProbe audit) => (Crd, Hook, _audit) = (crd, hook, audit);

    readonly AuditProbe _audit;

    /// <summary>What admission noted of the last write that it let pass.</summary>
    public AuditAnnotations Audit => _audit.Last;

    public CrdRig Crd { get; }
    public TestServer Test => Crd.Test;
    public HookServer Hook { get; }

    public static async Task<HookRig> StartAsync(bool legacy = false, TimeProvider? time = null)
    {
        var security = new Security(new() { ServiceAccountKeys = [Server.Auth.Tokens.TokenKey.Of(System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256))] });
        var audit = new AuditProbe();
        var crd = await CrdRig.StartAsync(o => o with { Admission = [.. security.Admission, audit], Rest = [.. o.Rest, .. security.Rest], LegacyApis = legacy, Time = time ?? o.Time });
        security.Objects.Attach(crd.Test.Server.Resources.Stored);
        var rig = new HookRig(crd, await HookServer.StartAsync(), audit);
        await rig.GoodAsync("POST", "/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"default"}}""");
        return rig;
    }

    public async Task<TestServer.Answer> GoodAsync(string method, string path, string? body = null, string type = "application/json")
    {
        var answer = await Test.SendAsync(method, path, body, type);
        Assert.True(answer.Code < 300, answer.Body);
        return answer;
    }

    public static string Rule(string operations, string group, string version, string resources, string scope = "*") =>
        $$"""{"operations":["{{operations.Replace(",", "\",\"")}}"],"apiGroups":["{{group}}"],"apiVersions":["{{version}}"],"resources":["{{resources.Replace(",", "\",\"")}}"],"scope":"{{scope}}"}""";

    /// <summary>A webhook of a configuration.</summary>
    public string Webhook(string name, string path, string rule, string more = "") =>
        $$$"""{"name":"{{{name}}}.example.com","clientConfig":{{{Hook.Client(path)}}},"rules":[{{{rule}}}],"sideEffects":"None","admissionReviewVersions":["v1"],"timeoutSeconds":30{{{(more.Length > 0 ? "," + more : "")}}}}""";

    public static string Configuration(string name, params string[] webhooks) => $$"""{"metadata":{"name":"{{name}}","labels":{"test":"yes"} },"webhooks":[{{string.Join(",", webhooks)}}]}""";

    public Task MutateAsync(string name, params string[] webhooks) => GoodAsync("POST", Mutating, Configuration(name, webhooks));
    public Task ValidateAsync(string name, params string[] webhooks) => GoodAsync("POST", Validating, Configuration(name, webhooks));

    public static string ConfigMap(string name, string data = """{"a":"b"}""", string labels = "{}") => $$$"""{"metadata":{"name":"{{{name}}}","labels":{{{labels}}} },"data":{{{data}}} }""";

    public static string Pod(string name, string container = "main") => $$"""{"metadata":{"name":"{{name}}"},"spec":{"containers":[{"name":"{{container}}","image":"example/app:1"}] } }""";

    public async ValueTask DisposeAsync()
    {
        await Crd.DisposeAsync();
        await Hook.DisposeAsync();
    }

    /// <summary>Sees what the plugins before it noted.</summary>
    sealed class AuditProbe : Server.Admission.IValidates
    {
        public AuditAnnotations Last { get; private set; } = new();

        public bool Handles(Server.Admission.Operation operation, Api.GroupResource resource, string subresource) => true;

        public ValueTask ValidateAsync(Server.Admission.AdmissionRequest request, CancellationToken ct)
        {
            Last = request.Audit;
            return default;
        }
    }
}
