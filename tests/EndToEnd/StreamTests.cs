using System.Text.RegularExpressions;
using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

public sealed partial class StreamTests(SharedCluster shared) : NamespaceTest(shared)
{
    [NodeFact]
    public async Task Commands_run_in_a_container_with_their_input_exit_code_and_terminal()
    {
        string client = await ClientAsync();
        foreach (string kubectl in Kubectl.All)
        {
            Task<Ran> Exec(string? input, params string[] arguments) => Cluster.TryKubectlAsync(["-n", Namespace, "exec", .. arguments], input, kubectl);
            Assert.Equal("in and out\n", (await Exec("in and out\n", "-i", client, "--", "cat")).Ok());
            string much = string.Concat(Enumerable.Repeat("0123456789abcde\n", 40_000));
            Assert.Equal($"{much.Length}\n", (await Exec(much, "-i", client, "--", "wc", "-c")).Ok());
            Assert.Equal(much, (await Exec(much, "-i", client, "--", "cat")).Ok());
            var failed = await Exec(null, client, "--", "sh", "-c", "echo out; echo err >&2; exit 7");
            Assert.Equal((7, "out\n"), (failed.Code, failed.Out));
            Assert.Contains("err\n", failed.Err);
            Assert.Contains("no-such-program", (await Exec(null, client, "--", "no-such-program")).Fails());
            Assert.Equal("no terminal\n", (await Exec(null, client, "--", "sh", "-c", "tty >/dev/null && echo terminal || echo no terminal")).Ok());
        }
        // kubectl itself takes -t only from a terminal: script lends it one.
        if (Program.Find("script") is { } script)
        {
            var tty = await Program.RunAsync(script, ["-qec", $"{Kubectl.Newest} --kubeconfig={Cluster.Kubeconfig} -n {Namespace} exec -it {client} -- sh -c 'tty; stty size'", "/dev/null"]);
            Assert.Contains("/dev/pts/", tty.Ok());
        }
        Assert.Contains("not found", (await TryAsync("exec", "nobody", "--", "true")).Fails());
        Assert.Contains("container other is not valid for pod client", (await TryAsync("exec", client, "-c", "other", "--", "true")).Fails());
    }

    [NodeFact]
    public async Task Logs_are_followed_cut_and_kept_of_the_container_before()
    {
        await ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: talker}
            spec:
              terminationGracePeriodSeconds: 0
              volumes: [{name: memory, emptyDir: {}}]
              containers:
              - name: main
                image: busybox:1
                command: [sh, -c, 'if [ -e /memory/once ]; then echo second life; while true; do if [ -e /memory/go ]; then echo went; exec sleep 100000; fi; sleep 0.2; done; fi; touch /memory/once; for i in 1 2 3 4 5; do echo line $i; done; exit 3']
                volumeMounts: [{name: memory, mountPath: /memory}]
            """);
        await UntilAsync("pod/talker", ".status.containerStatuses[0].restartCount", "1");
        await ReadyAsync("talker");
        Assert.Equal("3", await ReadAsync("pod/talker", ".status.containerStatuses[0].lastState.terminated.exitCode"));
        Assert.Equal("line 1\nline 2\nline 3\nline 4\nline 5\n", await KubectlAsync("logs", "talker", "--previous"));
        Assert.Equal("line 4\nline 5\n", await KubectlAsync("logs", "talker", "--previous", "--tail=2"));
        await Until.Async("the log of the second life", () => KubectlAsync("logs", "talker"), log => log == "second life\n");
        Assert.Matches(@"^\d{4}-\d\d-\d\dT[\d:.]+Z second life\n$", await KubectlAsync("logs", "talker", "--timestamps"));
        Assert.Equal("second li", await KubectlAsync("logs", "talker", "--limit-bytes=9"));

        using var follower = InBackground("logs", "-f", "talker");
        await Until.TrueAsync("the followed log", () => Task.FromResult(follower.Text.Contains("second life")));
        Assert.DoesNotContain("went", follower.Text);
        await KubectlAsync("exec", "talker", "--", "touch", "/memory/go");
        await Until.TrueAsync("the followed line", () => Task.FromResult(follower.Text.Contains("went")));

        // As seen by the container's own clock, which is this machine's.
        string last = LastStamp().Match(await KubectlAsync("logs", "talker", "--timestamps", "--tail=1")).Value;
        Assert.Equal("went\n", await KubectlAsync("logs", "talker", "--since-time=" + last));
        Assert.Equal("second life\nwent\n", await KubectlAsync("logs", "talker", "--since=1h"));
        Assert.Contains("previous terminated container", (await TryAsync("logs", await ClientAsync(), "--previous")).Fails());
        await KubectlAsync("delete", "pod", "talker", "--wait=false");
        await Until.TrueAsync("the end of the followed log", () => Task.FromResult(follower.HasExited));
    }

    [NodeFact]
    public async Task Files_are_copied_both_ways()
    {
        string client = await ClientAsync();
        string folder = Path.Combine(Cluster.Scratch, Namespace);
        Directory.CreateDirectory(folder);
        byte[] bytes = new byte[300_000];
        new Random(7).NextBytes(bytes);
        await File.WriteAllBytesAsync(Path.Combine(folder, "there"), bytes);
        await KubectlAsync("cp", Path.Combine(folder, "there"), $"{client}:/tmp/file");
        await KubectlAsync("cp", $"{client}:/tmp/file", Path.Combine(folder, "back"));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(folder, "back")));
    }

    [NodeFact]
    public async Task A_port_of_a_Pod_and_of_a_Service_is_forwarded()
    {
        await ApplyExampleAsync("web.yaml");
        await KubectlAsync("rollout", "status", "deployment/web", "--timeout=100s");
        foreach (string target in (string[])["deployment/web", "service/web"])
        {
            using var forward = InBackground("port-forward", target, target == "service/web" ? ":80" : ":8080");
            string port = await Until.Async("a port of " + target, () => Task.FromResult(ForwardedPort().Match(forward.Text).Groups[1].Value), p => p.Length > 0);
            for (int i = 0; i < 3; i++)
                await Until.Async("an answer through " + target, () => FetchAsync($"http://127.0.0.1:{port}/"), answer => answer.StartsWith("hello from web-"));
        }
    }

    [GeneratedRegex(@"127\.0\.0\.1:(\d+) ->")] private static partial Regex ForwardedPort();
    [GeneratedRegex(@"^\S+")] private static partial Regex LastStamp();
}
