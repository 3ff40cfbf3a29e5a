//! The ways around what older kernels lack, on whatever kernel the tests run: it passes for an older one.

use gofuncgraph_tests::{
    go::{self, Mode},
    skip,
    tracer::{self, Traced},
    tree, with_deep_stack,
};

fn on(kernel: &str, trace: &str, options: &[&str], args: &[&str]) -> Traced {
    let program = go::build(go::newest(), "truth", Mode::Plain);
    tracer::launch_with(
        trace,
        options,
        &program,
        args,
        &[("GOFUNCGRAPH_PRETEND_KERNEL", kernel)],
    )
}

#[test]
fn probes_one_by_one_before_6_6() {
    with_deep_stack(|| {
        let traced = on(
            "6.1",
            "trace main.outer < include main.leaf, main.again >",
            &[],
            &["calls"],
        );
        traced.assert_complete("6.1");
        assert!(
            traced.stderr.contains("no uprobe_multi"),
            "{}",
            traced.stderr
        );
        let other = |c: &tree::Call| {
            !matches!(
                c.function.as_str(),
                "main.outer" | "main.leaf" | "main.again"
            )
        };
        let expected: Vec<_> = tree::recorded(&traced.stdout)
            .iter()
            .map(|g| tree::lines(&g.root, &other))
            .collect();
        let found: Vec<_> = tree::traced(&traced.lines)
            .iter()
            .map(|g| tree::lines(&g.root, &other))
            .collect();
        assert_eq!(expected, found);
    });
}

#[test]
fn too_many_probes_are_refused_with_a_way_out() {
    if skip().is_some() {
        return;
    }
    let traced = on(
        "6.1",
        "trace main.outer < include main.* >",
        &["--max-probes", "20"],
        &["calls"],
    );
    assert_eq!(traced.code, Some(1));
    assert!(traced.stderr.contains("--max-probes"), "{}", traced.stderr);
    assert!(
        traced.stdout.is_empty(),
        "the command has not run: {}",
        traced.stdout
    );
}

/// Without bpf_loop a panic can remove only so many frames at once; beyond that the graph is given up, and counted.
#[test]
fn unwinding_without_bpf_loop() {
    with_deep_stack(|| {
        let trace = "trace main.outer < include main.boom, main.leaf >";
        let shallow = on("5.16", trace, &[], &["panics", "30"]);
        shallow.assert_complete("5.16");
        let deep = on("5.16", trace, &[], &["panics", "300"]);
        assert_eq!(deep.code, Some(0), "{}", deep.stderr);
        assert_eq!(deep.end()["lost_graphs"], 1, "{}", deep.end());
        assert_eq!(
            tree::traced(&deep.lines).len() + 1,
            tree::recorded(&deep.stdout).len()
        );
    });
}

#[test]
fn too_old_a_kernel_is_named() {
    if skip().is_some() {
        return;
    }
    let traced = on("5.10", "trace main.outer", &[], &["calls"]);
    assert_eq!(traced.code, Some(1));
    assert!(
        traced.stderr.contains("needs 5.15 or newer"),
        "{}",
        traced.stderr
    );
    assert!(
        traced.stdout.is_empty(),
        "the command has not run: {}",
        traced.stdout
    );
}
