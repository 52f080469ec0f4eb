using static Hanbae.Server.Tests.Admission.HookRig;
using static Hanbae.Server.Tests.Admission.HookServer;

namespace Hanbae.Server.Tests.Admission;

/// <summary>What /metrics tells of admission: plugins, steps and webhooks.</summary>
public sealed class AdmissionFiguresTests
{
    [Fact]
    public async Task Plugins_and_webhooks_are_counted_by_what_came_of_them()
    {
        await using var rig = await HookRig.StartAsync();
        rig.Hook.On("/deny", _ => Deny("no", code: 403)).On("/allow", _ => Allow).On("/mark", _ => Patch("""[{"op":"add","path":"/data/b","value":"c"}]"""));
        await rig.MutateAsync("changes", rig.Webhook("mark", "/mark", Rule("CREATE", "", "v1", "configmaps")), rig.Webhook("gone", "/nowhere", Rule("CREATE", "", "v1", "configmaps"), "\"failurePolicy\":\"Ignore\""));
        await rig.ValidateAsync("refuses", rig.Webhook("allow", "/allow", Rule("CREATE", "", "v1", "configmaps")), rig.Webhook("deny", "/deny", Rule("DELETE", "", "v1", "configmaps")), rig.Webhook("away", "/nowhere", Rule("UPDATE", "", "v1", "configmaps")));
        await rig.GoodAsync("POST", ConfigMaps, ConfigMap("a"));
        Assert.Equal(403, (await rig.Test.SendAsync("DELETE", ConfigMaps + "/a")).Code);
        Assert.Equal(500, (await rig.Test.SendAsync("PATCH", ConfigMaps + "/a", """{"data":{"x":"y"}}""", "application/merge-patch+json")).Code);

        string[] lines = (await rig.Test.GetAsync("/metrics")).Body.Split('\n');
        foreach (string line in (string[])
        [
            "apiserver_admission_webhook_request_total{code=\"200\",name=\"mark.example.com\",operation=\"CREATE\",rejected=\"false\",type=\"admit\"} 1",
            "apiserver_admission_webhook_request_total{code=\"200\",name=\"allow.example.com\",operation=\"CREATE\",rejected=\"false\",type=\"validating\"} 1",
            "apiserver_admission_webhook_request_total{code=\"403\",name=\"deny.example.com\",operation=\"DELETE\",rejected=\"true\",type=\"validating\"} 1",
            "apiserver_admission_webhook_request_total{code=\"500\",name=\"away.example.com\",operation=\"UPDATE\",rejected=\"true\",type=\"validating\"} 1",
            "apiserver_admission_webhook_admission_duration_seconds_count{name=\"deny.example.com\",operation=\"DELETE\",rejected=\"true\",type=\"validating\"} 1",
            "apiserver_admission_webhook_rejection_count{error_type=\"no_error\",name=\"deny.example.com\",operation=\"DELETE\",rejection_code=\"403\",type=\"validating\"} 1",
            "apiserver_admission_webhook_rejection_count{error_type=\"calling_webhook_error\",name=\"away.example.com\",operation=\"UPDATE\",rejection_code=\"500\",type=\"validating\"} 1",
            "apiserver_admission_webhook_fail_open_count{name=\"gone.example.com\",type=\"admit\"} 1",
            "apiserver_admission_controller_admission_duration_seconds_count{name=\"ValidatingAdmissionWebhook\",operation=\"DELETE\",rejected=\"true\",type=\"validate\"} 1",
            "apiserver_admission_step_admission_duration_seconds_count{operation=\"DELETE\",rejected=\"true\",type=\"validate\"} 1",
            "apiserver_admission_step_admission_duration_seconds_count{operation=\"DELETE\",rejected=\"false\",type=\"admit\"} 1",
        ]) Assert.Contains(line, lines);
        Assert.Contains(lines, l => l.StartsWith("apiserver_admission_controller_admission_duration_seconds_count{name=\"MutatingAdmissionWebhook\",operation=\"CREATE\",rejected=\"false\",type=\"admit\"} ", StringComparison.Ordinal));
        // A plugin has no half that it does not have.
        Assert.DoesNotContain(lines, l => l.Contains("name=\"ValidatingAdmissionWebhook\"", StringComparison.Ordinal) && l.Contains("type=\"admit\"", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.Contains("name=\"MutatingAdmissionWebhook\"", StringComparison.Ordinal) && l.Contains("type=\"validate\"", StringComparison.Ordinal));
    }
}
