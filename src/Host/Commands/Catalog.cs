using System.CommandLine;

namespace Hanbae.Host.Commands;

/// <summary>All verbs, in the order in which a newcomer meets them.</summary>
static class Catalog
{
    public static RootCommand Root()
    {
        var root = new RootCommand("""
            Hanbae: the whole of Kubernetes in one program.

              ./hanbae up --detach                        a cluster on this machine
              export KUBECONFIG=$(./hanbae kubeconfig)    so that kubectl finds it
              kubectl get nodes
              ./hanbae down                               stop it; `up` brings it back as it was
              ./hanbae reset                              remove it and everything it made
              ./hanbae test                               run all tests of the source tree
            """);
        root.Subcommands.Add(Up.Command());
        root.Subcommands.Add(Status.Command());
        root.Subcommands.Add(KubeconfigPath.Command());
        root.Subcommands.Add(Why.Command());
        root.Subcommands.Add(Simulate.Command());
        root.Subcommands.Add(Image.Command());
        root.Subcommands.Add(History.Command());
        root.Subcommands.Add(History.UndoCommand());
        root.Subcommands.Add(Certs.Command());
        root.Subcommands.Add(Check.Command());
        root.Subcommands.Add(SchedulerAlone.Command());
        root.Subcommands.Add(ControllersAlone.Command());
        root.Subcommands.Add(KubeletAlone.Command());
        root.Subcommands.Add(Down.Command());
        root.Subcommands.Add(ResetAll.Command());
        return root;
    }
}
