using System.Runtime.InteropServices;
using Hanbae.EndToEnd.Rig;
using Hanbae.Kit;

namespace Hanbae.EndToEnd.Devices;

/// <summary>The tests' own device plugin or driver of dynamic resources as a Pod: this machine's .NET and programs, seen from inside of a container.</summary>
/// <param name="name">Of the Pod; of what is beside it on the disk, with the cluster's.</param>
/// <param name="unique">In names that the whole machine shares.</param>
/// <param name="resource">That the plugin offers; one of the test's own when it is not given.</param>
sealed class DevicePod(RealCluster cluster, string name, string unique, string? resource = null)
{
    static readonly string s_dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
    static readonly string s_program = Path.Combine(Repository.Root, "tests/DeviceDriver/bin", Prerequisites.Configuration, "net10.0");

    /// <summary>Where drivers say by the Container Device Interface what containers get; the machine's, since runtimes look there.</summary>
    const string Cdi = "/var/run/cdi";

    public string State => Path.Combine(cluster.Scratch, unique + "-" + name);
    public string Kubelet => Path.Combine(cluster.DataDir, "kubelet");
    public string Driver => unique + ".example.com";
    public string Resource => resource ?? unique + ".example.com/gpu";

    /// <summary>The program, to be run in the Pod.</summary>
    public static string[] Command(params string[] arguments) => [Path.Combine(s_dotnet, "dotnet"), Path.Combine(s_program, "Hanbae.DeviceDriver.dll"), .. arguments];

    public string Plugin(int gpus) => Of("plugin", Resource, Kubelet + "/device-plugins", State, $"{gpus}");

    public string Claims() => Of("claims", Driver, $"{Kubelet}/plugins/{unique}/dra.sock", $"{Kubelet}/plugins_registry/{unique}.sock", State, Cdi);

    string Of(params string[] arguments)
    {
        Directory.CreateDirectory(State + "/ill");
        string[] seen = [.. new[] { "/usr", "/lib", "/lib64", s_dotnet, s_program }.Where(Directory.Exists)];
        string mounts = string.Join('\n', seen.Select((path, i) => $"    - {{name: seen-{i}, mountPath: '{path}', readOnly: true}}"));
        string volumes = string.Join('\n', seen.Select((path, i) => $"  - {{name: seen-{i}, hostPath: {{path: '{path}'}}}}"));
        return $$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: {{name}}}
            spec:
              terminationGracePeriodSeconds: 5
              containers:
              - name: driver
                image: busybox:1
                command: [{{string.Join(", ", Command(arguments).Select(a => $"'{a}'"))}}]
                env:
                - {name: PATH, value: '/usr/sbin:/usr/bin:/sbin:/bin'}
                - {name: DOTNET_CLI_HOME, value: /tmp}
                volumeMounts:
                - {name: kubelet, mountPath: '{{Kubelet}}'}
                - {name: state, mountPath: '{{State}}'}
                - {name: cdi, mountPath: {{Cdi}}}
            {{mounts}}
              volumes:
              - {name: kubelet, hostPath: {path: '{{Kubelet}}'} }
              - {name: state, hostPath: {path: '{{State}}'} }
              - {name: cdi, hostPath: {path: {{Cdi}}, type: DirectoryOrCreate} }
            {{volumes}}
            """;
    }

    public void Set(string file, bool there)
    {
        string path = Path.Combine(State, file);
        if (there) File.WriteAllText(path, "");
        else File.Delete(path);
    }

    /// <summary>A Pod that sleeps with devices of the plugin.</summary>
    /// <param name="more">Of the spec.</param>
    public string User(string pod, int gpus, string more = "") => $$$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: {{{pod}}} }
        spec:
          terminationGracePeriodSeconds: 1
          restartPolicy: Never
          containers: [{name: main, image: 'busybox:1', command: [sleep, '100000'], resources: {limits: {'{{{Resource}}}': {{{gpus}}} } } }]
          {{{more}}}
        """;

    /// <summary>A claim, and a Pod on the node that uses it; nobody has allocated it yet.</summary>
    public static string Claimant(string pod, string claim, string node) => $$$"""
        apiVersion: resource.k8s.io/v1
        kind: ResourceClaim
        metadata: {name: {{{claim}}} }
        spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: any} }]} }
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: {{{pod}}} }
        spec:
          nodeName: {{{node}}}
          terminationGracePeriodSeconds: 1
          restartPolicy: Never
          containers: [{name: main, image: 'busybox:1', command: [sleep, '100000'], resources: {claims: [{name: mine}]} }]
          resourceClaims: [{name: mine, resourceClaimName: {{{claim}}} }]
        """;

    /// <summary>What a scheduler would write into the claim's status.</summary>
    public string Allocation(params (string Name, string Uid)[] pods) => $$$"""
        {"status": {"allocation": {"devices": {"results": [{"request": "gpu", "driver": "{{{Driver}}}", "pool": "pool", "device": "of-gpu"}]}},
         "reservedFor": [{{{string.Join(',', pods.Select(p => $$"""{"resource": "pods", "name": "{{p.Name}}", "uid": "{{p.Uid}}"}"""))}}}]}}
        """;
}
