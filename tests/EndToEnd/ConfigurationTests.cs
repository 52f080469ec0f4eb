using Hanbae.EndToEnd.Rig;

namespace Hanbae.EndToEnd;

public sealed class ConfigurationTests(SharedCluster shared) : NamespaceTest(shared)
{
    [NodeFact]
    public async Task ConfigMaps_Secrets_and_the_Pods_own_facts_arrive_as_files_and_variables()
    {
        await KubectlAsync("create", "configmap", "settings", "--from-literal=colour=blue", "--from-literal=size=9");
        await KubectlAsync("create", "secret", "generic", "keys", "--from-literal=password=hush");
        await ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: configured, labels: {app: configured}, annotations: {note: hello}}
            spec:
              terminationGracePeriodSeconds: 0
              volumes:
              - {name: settings, configMap: {name: settings}}
              - {name: keys, secret: {secretName: keys, defaultMode: 0400}}
              - {name: facts, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}, {path: cpu, resourceFieldRef: {containerName: main, resource: limits.cpu, divisor: 1m}}]}}
              - name: all
                projected:
                  sources:
                  - configMap: {name: settings, items: [{key: colour, path: deep/colour}]}
                  - secret: {name: keys}
                  - downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}
                  - serviceAccountToken: {path: token, audience: somebody, expirationSeconds: 600}
              containers:
              - name: main
                image: busybox:1
                command: [sleep, '100000']
                resources: {limits: {cpu: 250m, memory: 32Mi}}
                env:
                - {name: PLAIN, value: 'a $(COLOUR) $$(COLOUR)'}
                - {name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
                - {name: COLOURED, value: 'so $(COLOUR)'}
                - {name: PASSWORD, valueFrom: {secretKeyRef: {name: keys, key: password}}}
                - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
                - {name: NOTE, valueFrom: {fieldRef: {fieldPath: 'metadata.annotations[''note'']'}}}
                - {name: MEMORY, valueFrom: {resourceFieldRef: {resource: limits.memory}}}
                envFrom: [{prefix: S_, configMapRef: {name: settings}}]
                volumeMounts:
                - {name: settings, mountPath: /settings}
                - {name: keys, mountPath: /keys}
                - {name: facts, mountPath: /facts}
                - {name: all, mountPath: /all}
                - {name: settings, mountPath: /one, subPath: size}
            """);
        await ReadyAsync("configured");
        Task<string> Sh(string script) => KubectlAsync("exec", "configured", "--", "sh", "-c", script);

        Assert.Equal("blue hush blue hush configured 9", await Sh("echo -n $(cat /settings/colour) $(cat /keys/password) $(cat /all/deep/colour) $(cat /all/password) $(cat /all/name) $(cat /one)"));
        Assert.Equal("app=\"configured\" 250", await Sh("echo -n $(cat /facts/labels) $(cat /facts/cpu)"));
        Assert.Equal("400\n", await Sh("stat -L -c %a /keys/password"));
        Assert.Equal($"a $(COLOUR) $(COLOUR)|so blue|hush|{await ReadAsync("pod/configured", ".status.podIP")}|hello|{32 << 20}|blue|9",
            await Sh("echo -n \"$PLAIN|$COLOURED|$PASSWORD|$POD_IP|$NOTE|$MEMORY|$S_colour|$S_size\""));
        Assert.Matches("^[0-9.]+ 443$", await Sh("echo -n $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT"));
        Assert.Equal(3, (await Sh("cat /all/token")).Split('.').Length);
        Assert.Equal($"{Namespace} 3", await Sh("cd /var/run/secrets/kubernetes.io/serviceaccount; echo -n $(cat namespace) $(ls | wc -l)"));

        // What changes later arrives in the files, all of it at once.
        await KubectlAsync("patch", "configmap", "settings", "-p", """{"data":{"colour":"red"}}""");
        await KubectlAsync("label", "pod", "configured", "app=changed", "--overwrite");
        await Until.Async("the new value and label", () => Sh("echo $(cat /settings/colour) $(cat /all/deep/colour) $(cat /facts/labels)"), seen => seen == "red red app=\"changed\"\n");
        Assert.Equal("blue", await Sh("echo -n $COLOUR"));

        await ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: waiting}
            spec:
              terminationGracePeriodSeconds: 0
              containers: [{name: main, image: 'busybox:1', command: [sleep, '100000'], envFrom: [{secretRef: {name: later}}]}]
            """);
        await UntilAsync("pod/waiting", ".status.containerStatuses[0].state.waiting.reason", "CreateContainerConfigError");
        await KubectlAsync("create", "secret", "generic", "later", "--from-literal=A=b");
        await ReadyAsync("waiting");
    }
}
